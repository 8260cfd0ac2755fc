import Hardware
import KernelBuilder

/// Q, K and V of the groups of heads in use, and where outputs go.
struct AttentionOperands {
  /// Groups that are loaded ahead of the one that is computed.
  let groupsAhead: Int
  /// Units of one group of heads.
  let unitsPerGroup: Int
  private let kernel: AttentionKernel
  private let tensors: [TensorHandle]
  private var queryPool: TilePool
  private var keyPool: TilePool
  private var valuePool: TilePool
  private var groups: [(index: Int, query: Tile, keys: Tile, values: Tile)] = []

  init(_ kernel: AttentionKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    let count = kernel.batch * kernel.kvHeads
    unitsPerGroup = kernel.units().count / count
    // When a group is loaded, the products of the last `productLag` units are still to be emitted.
    let pending = ceilDivide(AttentionEmitter.productLag, unitsPerGroup)
    groupsAhead = unitsPerGroup < AttentionEmitter.productLag ? 2 : 1
    let buffers = min(pending + groupsAhead, count)
    let size = kernel.size
    queryPool = try builder.pool(
      "Q", buffers: buffers, partitions: size, kernel.group, kernel.queries, format: kernel.format)
    keyPool = try builder.pool(
      "K", buffers: buffers, partitions: size, kernel.keys, format: kernel.format)
    valuePool = try builder.pool(
      "V", buffers: buffers, ceilDivide(kernel.keys, 128), size, format: kernel.format)
  }

  /// Loads the group of heads of a unit.
  mutating func load(_ unit: AttentionUnit, _ builder: inout KernelBuilder) {
    let rows = unit.rows
    let query = queryPool.next()
    let keys = keyPool.next()
    let values = valuePool.next()
    loadQueries(query, rows, &builder)
    loadKeys(keys, rows, &builder)
    loadValues(values, rows, &builder)
    groups.append((unit.groupIndex, query, keys, values))
    if groups.count > AttentionEmitter.productLag + 3 { groups.removeFirst() }
  }

  private func loadQueries(_ tile: Tile, _ rows: AttentionRows, _ builder: inout KernelBuilder) {
    let q = tensors[0]
    let tokens = rows.batch * kernel.queries..<(rows.batch + 1) * kernel.queries
    if kernel.isDecode, kernel.queryLayout == .rowMajor {
      // Few enough to be read element by element, all heads of the group at once.
      builder.load(
        tile,
        from: q.access(
          offset: tokens.lowerBound * q.columns + rows.kvHead * kernel.group * kernel.size,
          sizes: [kernel.size, kernel.group, kernel.queries],
          strides: [1, kernel.size, q.columns]))
      return
    }
    for head in 0..<kernel.group {
      let first = (rows.kvHead * kernel.group + head) * kernel.size
      let elements = first..<first + kernel.size
      if kernel.queryLayout == .transposed {
        builder.load(tile.block(head), from: q.block(rows: elements, columns: tokens))
      } else {
        builder.loadTransposedRows(tile.block(head), from: q, rows: tokens, columns: elements)
      }
    }
  }

  private func loadKeys(_ tile: Tile, _ rows: AttentionRows, _ builder: inout KernelBuilder) {
    let k = tensors[1]
    let size = kernel.size
    if kernel.keyLayout == .transposed {
      let first = (rows.batch * kernel.kvHeads + rows.kvHead) * size
      builder.load(tile, from: k.block(rows: first..<first + size, columns: 0..<kernel.keys))
      return
    }
    let first = rows.kvHead * size
    let tokens = rows.batch * kernel.capacity..<rows.batch * kernel.capacity + kernel.keys
    builder.loadTransposedRows(tile, from: k, rows: tokens, columns: first..<first + size)
  }

  private func loadValues(_ tile: Tile, _ rows: AttentionRows, _ builder: inout KernelBuilder) {
    let loader = ContractionLoader(
      tensor: tensors[2], layout: .contractionRows, contraction: kernel.keys,
      isPartitionMajor: false, firstColumn: rows.kvHead * kernel.size,
      firstRow: rows.batch * kernel.capacity)
    let tiles = ceilDivide(kernel.keys, 128)
    loader.load(tile, 0..<tiles, 0..<kernel.size, on: .sync, &builder)
  }

  private func group(_ index: Int) -> (index: Int, query: Tile, keys: Tile, values: Tile) {
    guard let found = groups.last(where: { $0.index == index }) else {
      preconditionFailure("a group is loaded before it is used")
    }
    return found
  }

  /// Qᵀ [size, rows].
  func query(_ rows: AttentionRows, _ index: Int) -> Tile {
    let tile = group(index).query
    guard let head = rows.head else { return tile.viewed(sizes: [rows.count], strides: [1]) }
    return tile.block(head).columns(rows.queries)
  }

  /// Kᵀ [size, keys].
  func keys(_ range: Range<Int>, _ index: Int) -> Tile { group(index).keys.columns(range) }

  /// A tile of V [keys, size].
  func values(_ tile: Int, _ count: Int, _ index: Int) -> Tile {
    group(index).values.block(tile).rows(0..<count)
  }

  /// Stores the outputs of all heads of a group.
  func store(_ rows: AttentionRows, from tile: Tile, _ builder: inout KernelBuilder) {
    let width = kernel.group * kernel.size
    let first = rows.batch * kernel.queries
    builder.store(
      tensors[3].block(
        rows: first + rows.queries.lowerBound..<first + rows.queries.upperBound,
        columns: rows.kvHead * width..<(rows.kvHead + 1) * width), from: tile)
  }

  /// Stores rows (head, query) to their places.
  func storeDecode(_ rows: AttentionRows, from tile: Tile, _ builder: inout KernelBuilder) {
    let out = tensors[3]
    let size = kernel.size
    builder.store(
      out.access(
        offset: rows.batch * kernel.queries * out.columns + rows.kvHead * kernel.group * size,
        sizes: [kernel.group, kernel.queries, size], strides: [size, out.columns, 1]), from: tile)
  }
}
