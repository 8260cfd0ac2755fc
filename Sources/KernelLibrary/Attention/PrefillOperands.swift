import Hardware
import KernelBuilder
import NumericFormats

/// Qᵀ of the blocks, Kᵀ and V of the key heads in use, and where outputs go.
///
/// Heads of more than 128 elements lie in parts of 128, side by side on the same partitions. V has
/// a column of ones beside it: the product of the probabilities with that column is their sum.
struct PrefillOperands {
  private let kernel: AttentionKernel
  private let tensors: [TensorHandle]
  private var queryPool: TilePool
  private var keyPool: TilePool
  private var valuePool: TilePool
  private var queries: [Int: Tile] = [:]
  private var keys: [Int: Tile] = [:]
  private var values: [Int: Tile] = [:]
  /// Transfers of K and V that are still to be triggered.
  private var waiting: [Int: [Range<Int>]] = [:]

  /// Elements of a head that lie on partitions together.
  private var partSize: Int { min(kernel.size, 128) }
  /// Parts of a head.
  var parts: Int { kernel.size / partSize }

  /// Blocks whose queries can be held.
  let queryBuffers: Int
  /// Key heads that can be held.
  let groupBuffers: Int

  init(
    _ kernel: AttentionKernel, _ tensors: [TensorHandle], stepsPerGroup: Int,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    queryBuffers = 12
    queryPool = try builder.pool(
      "Q", buffers: queryBuffers, partitions: min(kernel.size, 128),
      shape: Self.shape(kernel, AttentionKernel.blockTiles * 128), format: kernel.format)
    let keyTiles = ceilDivide(kernel.keys, 128)
    let columns = kernel.keys * (kernel.size / min(kernel.size, 128))
    let bytes = (columns + keyTiles * (kernel.size + 1)) * kernel.format.sizeBytes
    // Maxima of a group are taken while products of earlier ones are still to come.
    let wanted = 3 + ceilDivide(PrefillAttention.lead + 4, max(1, stepsPerGroup))
    let fitting = (builder.freeSBUFBytes - PrefillAttention.reservedBytes) / (bytes + 128)
    groupBuffers = max(1, min(kernel.batch * kernel.kvHeads, wanted, fitting))
    keyPool = try builder.pool(
      "K", buffers: groupBuffers, partitions: min(kernel.size, 128),
      shape: Self.shape(kernel, kernel.keys), format: kernel.format)
    valuePool = try builder.pool(
      "V", buffers: groupBuffers, keyTiles, kernel.size + 1, format: kernel.format)
    for tile in valuePool.tiles {
      builder.memset(
        tile.viewed(offset: kernel.size, sizes: [keyTiles], strides: [kernel.size + 1]), 1,
        on: .gpsimd)
    }
  }

  /// The shape of so many columns in all parts.
  private static func shape(_ kernel: AttentionKernel, _ columns: Int) -> [Int] {
    kernel.size > 128 ? [kernel.size / 128, columns] : [columns]
  }

  /// One part of a tile of columns.
  private func part(_ number: Int, of tile: Tile) -> Tile { parts > 1 ? tile.block(number) : tile }

  /// Keys beyond those needed next whose transfers are triggered.
  private static let keysAhead = 1536

  /// Keys of one transfer: the first is short, so that work starts when it is there.
  private static func cuts(_ total: Int) -> [Range<Int>] {
    let first = min(total, 512)
    return [0..<first]
      + pieces(total - first, 1024).map { first + $0.lowerBound..<first + $0.upperBound }
  }

  /// Gives a key head its buffers.
  mutating func open(group index: Int) {
    keys[index] = keyPool.next()
    values[index] = valuePool.next()
    waiting[index] = Self.cuts(kernel.keys)
    keys[index - groupBuffers] = nil
    values[index - groupBuffers] = nil
  }

  /// Loads K and V of a key head, side by side, as far as a key and one transfer beyond.
  mutating func load(group index: Int, through key: Int, _ builder: inout KernelBuilder) {
    let (batch, head) = index.quotientAndRemainder(dividingBy: kernel.kvHeads)
    let keyTile = found(keys[index])
    let valueTile = found(values[index])
    let place = kernel.keyPlace(batch: batch, kvHead: head)
    let loader = ContractionLoader(
      tensor: tensors[2], layout: .contractionRows, contraction: kernel.keys,
      isPartitionMajor: false, firstColumn: place.column, firstRow: place.row)
    var cuts = waiting[index] ?? []
    while let cut = cuts.first, cut.lowerBound < key + Self.keysAhead {
      cuts.removeFirst()
      for number in 0..<parts {
        loadKeys(
          part(number, of: keyTile).columns(cut), cut, (batch, head), part: number, &builder)
      }
      loader.load(
        valueTile, cut.lowerBound / 128..<ceilDivide(cut.upperBound, 128), 0..<kernel.size,
        on: .sync, &builder)
    }
    waiting[index] = cuts
  }

  private func loadKeys(
    _ tile: Tile, _ cut: Range<Int>, _ at: (batch: Int, head: Int), part number: Int,
    _ builder: inout KernelBuilder
  ) {
    if kernel.keyLayout == .transposed {
      let first = (at.batch * kernel.kvHeads + at.head) * kernel.size + number * partSize
      builder.load(tile, from: tensors[1].block(rows: first..<first + partSize, columns: cut))
      return
    }
    let place = kernel.keyPlace(batch: at.batch, kvHead: at.head)
    let column = place.column + number * partSize
    builder.loadTransposedRows(
      tile, from: tensors[1], rows: place.row + cut.lowerBound..<place.row + cut.upperBound,
      columns: column..<column + partSize)
  }

  /// Loads the queries of a block: in one transfer when they follow each other, or when they are
  /// the same tokens of several heads.
  mutating func load(_ block: AttentionBlock, index: Int, _ builder: inout KernelBuilder) {
    let tile = queryPool.next()
    queries[index] = tile
    queries[index - queryBuffers] = nil
    for number in 0..<parts {
      load(block, number, into: part(number, of: tile), &builder)
    }
  }

  private func load(
    _ block: AttentionBlock, _ number: Int, into tile: Tile, _ builder: inout KernelBuilder
  ) {
    let first = block.tiles[0]
    let count = first.queries.count
    if block.tiles.allSatisfy({ $0.head == first.head }), let last = block.tiles.last {
      var all = first
      all.queries = first.queries.lowerBound..<last.queries.upperBound
      all.columns = 0..<block.rows
      load(all, of: block, number, into: tile, &builder)
    } else if kernel.queryLayout == .rowMajor, count % 16 == 0,
      block.tiles.allSatisfy({ $0.queries == first.queries })
    {
      let q = tensors[0]
      let place = kernel.queryPlace(
        batch: block.batch, head: block.kvHead * kernel.group + first.head)
      let row = place.row + first.queries.lowerBound
      builder.loadTransposed(
        tile.viewed(sizes: [block.tiles.count, count], strides: [count, 1]),
        from: q.access(
          offset: row * q.columns + place.column + number * partSize,
          sizes: [count, block.tiles.count, partSize],
          strides: [q.columns, kernel.headStride, 1]))
    } else {
      for part in block.tiles { load(part, of: block, number, into: tile, &builder) }
    }
  }

  private func load(
    _ part: AttentionTile, of block: AttentionBlock, _ number: Int, into tile: Tile,
    _ builder: inout KernelBuilder
  ) {
    let place = kernel.queryPlace(
      batch: block.batch, head: block.kvHead * kernel.group + part.head)
    let element = place.column + number * partSize
    let elements = element..<element + partSize
    let tokens = place.row + part.queries.lowerBound..<place.row + part.queries.upperBound
    let target = tile.columns(part.columns)
    if kernel.queryLayout == .transposed {
      builder.load(target, from: tensors[0].block(rows: elements, columns: tokens))
    } else {
      builder.loadTransposedRows(target, from: tensors[0], rows: tokens, columns: elements)
    }
  }

  /// Qᵀ [elements of a part, rows] of a block.
  func query(_ block: Int, _ columns: Range<Int>, part number: Int) -> Tile {
    part(number, of: found(queries[block])).columns(columns)
  }

  /// Kᵀ [elements of a part, keys].
  func keys(_ range: Range<Int>, _ group: Int, part number: Int) -> Tile {
    part(number, of: found(keys[group])).columns(range)
  }

  /// A tile of V and ones [keys, size + 1].
  func values(_ keyTile: Int, _ count: Int, _ group: Int) -> Tile {
    found(values[group]).block(keyTile).rows(0..<count)
  }

  private func found(_ tile: Tile?) -> Tile {
    guard let tile else { preconditionFailure("an operand is loaded before it is used") }
    return tile
  }

  /// Stores the outputs of a block, as many tiles at once as lie in a regular pattern.
  func store(_ block: AttentionBlock, from tile: Tile, _ builder: inout KernelBuilder) {
    let out = tensors[3]
    let size = kernel.size
    let count = block.tiles[0].queries.count
    let offset = { (part: AttentionTile) in
      let place = kernel.queryPlace(
        batch: block.batch, head: block.kvHead * kernel.group + part.head)
      return (place.row + part.queries.lowerBound) * out.columns + place.column
    }
    let isUniform = block.tiles.allSatisfy { $0.queries.count == count }
    let steps = zip(block.tiles, block.tiles.dropFirst()).map { offset($1) - offset($0) }
    if isUniform, let step = steps.first, steps.allSatisfy({ $0 == step }) {
      builder.store(
        out.access(
          offset: offset(block.tiles[0]), sizes: [count, block.tiles.count, size],
          strides: [out.columns, step, 1]),
        from: tile.blocks(0..<block.tiles.count).rows(0..<count))
      return
    }
    for (index, part) in block.tiles.enumerated() {
      builder.store(
        out.access(
          offset: offset(part), sizes: [part.queries.count, size], strides: [out.columns, 1]),
        from: tile.block(index).rows(0..<part.queries.count))
    }
  }
}
