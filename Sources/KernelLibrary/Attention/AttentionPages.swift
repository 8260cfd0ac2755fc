import CoreState
import KernelBuilder
import NumericFormats

/// A cache of keys and values in pages: K as [pages · kvHeads · size, tokens] and V as [pages ·
/// tokens, kvHeads · size], of which a table names those of each sequence.
package struct AttentionPages: Hashable, Sendable {
  /// Tokens of a page.
  package var tokens: Int
  /// Pages that there are.
  package var count: Int

  /// So many pages.
  package init(tokens: Int, count: Int) {
    self.tokens = tokens
    self.count = count
  }

  /// Pages that hold the keys of a sequence.
  package func perSequence(_ keys: Int) -> Int { ceilDivide(keys, max(1, tokens)) }

  /// Tokens of a page that a decoding step takes: a tile of keys or more lies in one page.
  package static let pageSizes = [128, 256, 512, 1024, 2048]

  func check(_ kernel: AttentionKernel) throws(BuilderError) {
    let step = kernel.kvHeads * kernel.size * tokens * kernel.format.sizeBytes
    guard kernel.isDecode, kernel.queries == 1, kernel.keyLayout == .transposed,
      kernel.firstKey == 0, !kernel.keepsHeadsApart, Self.pageSizes.contains(tokens), count > 0,
      count * step <= Int(Int32.max)
    else {
      throw kernel.unsupported(
        "\(count) pages of \(tokens) tokens",
        allowed: "pages of 128 to 2048 tokens, a power of two, under 2 GiB in all, for one query "
          + "of each sequence")
    }
  }
}

/// Loads keys and values of pages whose numbers stand in a table. A page of keys and a page of
/// values have one size, so that one register says where both begin.
struct PageReader {
  private let kernel: AttentionKernel
  private let pages: AttentionPages
  private let tensors: [TensorHandle]
  /// [1, batch · pages of a sequence], on the first partition.
  private let table: Tile
  private var offsets: [Int: OffsetRegister] = [:]

  init(
    _ kernel: AttentionKernel, _ pages: AttentionPages, _ tensors: [TensorHandle],
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.pages = pages
    self.tensors = tensors
    table = try builder.tile(
      "page table", partitions: 1, kernel.batch * pages.perSequence(kernel.keys), format: .int32)
    builder.load(table, from: tensors[3].rows(0..<1))
  }

  /// Kᵀ of a head for some keys, page by page.
  mutating func loadKeys(
    _ tile: Tile, sequence: Int, kvHead: Int, _ keys: Range<Int>, _ builder: inout KernelBuilder
  ) {
    let rows = kvHead * kernel.size..<(kvHead + 1) * kernel.size
    for page in keys.lowerBound / pages.tokens...(keys.upperBound - 1) / pages.tokens {
      let first = page * pages.tokens
      let own = (first..<first + pages.tokens).clamped(to: keys)
      builder.load(
        tile.columns(own.lowerBound - keys.lowerBound..<own.upperBound - keys.lowerBound),
        from: tensors[1].block(
          rows: rows, columns: own.lowerBound - first..<own.upperBound - first),
        offset: offset(sequence, page, &builder))
    }
  }

  /// Values that lie in one page.
  mutating func loadValues(
    _ tile: Tile, sequence: Int, firstColumn: Int, _ part: DecodeValues,
    _ builder: inout KernelBuilder
  ) {
    let (page, row) = part.firstKey.quotientAndRemainder(dividingBy: pages.tokens)
    let columns = tensors[2].columns
    let width = tile.columns / part.tiles
    builder.load(
      tile,
      from: tensors[2].access(
        offset: row * columns + firstColumn, sizes: [part.count, part.tiles, width],
        strides: [part.tiles * columns, columns, 1]),
      offset: offset(sequence, page, &builder))
  }

  private mutating func offset(_ sequence: Int, _ page: Int, _ builder: inout KernelBuilder)
    -> OffsetRegister
  {
    let place = sequence * pages.perSequence(kernel.keys) + page
    if let known = offsets[place], builder.holds(known) { return known }
    let register = builder.offsetRegister(
      table.columns(place..<place + 1),
      stepBytes: kernel.kvHeads * kernel.size * pages.tokens * kernel.format.sizeBytes,
      count: pages.count)
    offsets[place] = register
    return register
  }
}
