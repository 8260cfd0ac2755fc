import Hardware
import KernelBuilder

/// Brings tiles of an operand whose contraction dimension must lie on partitions into SBUF, however
/// the tensor lies in HBM.
///
/// A panel is a tile [128 partitions, tiles of K, columns]. Which row of K is partition p of tile
/// j: j · 128 + p, or p · tiles + j (partition-major), which reads longer runs when tiles of K
/// follow each other in HBM. All operands of one product must use the same.
struct ContractionLoader {
  let tensor: TensorHandle
  let layout: MatmulKernel.Layout
  /// Length of K.
  let contraction: Int
  /// k = p · tiles + j.
  let isPartitionMajor: Bool
  /// The tensor is [columns, K] with few columns and is read as it lies, partition-major; the panel
  /// then holds [columns, tiles] per partition.
  var isStrided = false
  /// Partition-major, the most rows of K in a tile.
  var mostRows = 128
  /// Added to every column of the tensor, or to every row when K is the columns.
  var firstColumn = 0
  /// The tensor's row that is the first of K, when K is the rows.
  var firstRow = 0
  /// Added to where the tensor begins, of tensors whose K is the rows.
  var offset: OffsetRegister?

  private var tiles: Int { ceilDivide(contraction, mostRows) }
  /// Partition-major, the partitions with a row of K in every tile.
  private var fullPartitions: Int { contraction / tiles }
  /// Tiles in which the partition behind these has a row.
  private var tilesOfLast: Int { contraction % tiles }

  /// Partitions that hold a row of tile `k`.
  private func partitions(_ k: Int) -> Int {
    isPartitionMajor ? fullPartitions + (k < tilesOfLast ? 1 : 0) : min(128, contraction - k * 128)
  }

  /// The tile of K number `k` of a panel whose first tile is `firstTile`: [K rows, columns].
  func tile(_ panel: Tile, firstTile: Int = 0, _ k: Int, _ columns: Range<Int>) -> Tile {
    if isStrided {
      return panel.viewed(
        offset: k + columns.lowerBound * tiles, sizes: [columns.count], strides: [tiles]
      ).rows(0..<partitions(k))
    }
    return panel.block(k - firstTile).columns(columns).rows(0..<partitions(k))
  }

  /// Loads tiles of K of the tensor's columns `range` into a panel.
  func load(
    _ panel: Tile, firstTile: Int = 0, _ wanted: Range<Int>, _ range: Range<Int>,
    on queue: Engine, _ builder: inout KernelBuilder
  ) {
    let range = range.lowerBound + firstColumn..<range.upperBound + firstColumn
    if isStrided {
      loadStrided(panel, wanted, range, on: queue, &builder)
      return
    }
    let view = { (k: Range<Int>) in
      panel.blocks(k.lowerBound - firstTile..<k.upperBound - firstTile).columns(0..<range.count)
    }
    if layout == .contractionColumns {
      for k in wanted { loadTransposed(view(k..<k + 1).block(0), k, range, on: queue, &builder) }
      return
    }
    let stride = tensor.columns
    if isPartitionMajor {
      let start = firstRow * stride + wanted.lowerBound * stride + range.lowerBound
      for (partition, k) in parts(wanted) {
        builder.load(
          view(k).rows(partition),
          from: tensor.access(
            offset: start + partition.lowerBound * tiles * stride,
            sizes: [partition.count, k.count, range.count], strides: [tiles * stride, stride, 1]),
          offset: offset, on: queue)
      }
      return
    }
    let full = min(wanted.upperBound, contraction / 128)
    if full > wanted.lowerBound {
      builder.load(
        view(wanted.lowerBound..<full),
        from: tensor.access(
          offset: (firstRow + wanted.lowerBound * 128) * stride + range.lowerBound,
          sizes: [128, full - wanted.lowerBound, range.count],
          strides: [stride, 128 * stride, 1]),
        offset: offset, on: queue)
    }
    if full < wanted.upperBound {
      let rows = firstRow + full * 128..<firstRow + contraction
      builder.load(
        view(full..<full + 1).block(0).rows(0..<rows.count),
        from: tensor.block(rows: rows, columns: range), offset: offset, on: queue)
    }
  }

  /// Partition-major, the partitions that have all of some tiles, and the one behind them with
  /// those of the tiles that it has.
  private func parts(_ wanted: Range<Int>) -> [(partitions: Range<Int>, tiles: Range<Int>)] {
    let last = wanted.clamped(to: 0..<tilesOfLast)
    let full = (partitions: 0..<fullPartitions, tiles: wanted)
    return last.isEmpty ? [full] : [full, (fullPartitions..<fullPartitions + 1, last)]
  }

  /// All of K at once: partition p reads as many consecutive elements of each row as there are
  /// tiles.
  private func loadStrided(
    _ panel: Tile, _ wanted: Range<Int>, _ range: Range<Int>, on queue: Engine,
    _ builder: inout KernelBuilder
  ) {
    guard wanted.lowerBound == 0 else { return }
    for (partition, k) in parts(0..<tiles) {
      builder.load(
        panel.viewed(sizes: [range.count, k.count], strides: [tiles, 1]).rows(partition),
        from: tensor.access(
          offset: range.lowerBound * contraction + partition.lowerBound * tiles,
          sizes: [partition.count, range.count, k.count], strides: [tiles, contraction, 1]),
        on: queue)
    }
  }

  private func loadTransposed(
    _ target: Tile, _ k: Int, _ range: Range<Int>, on queue: Engine,
    _ builder: inout KernelBuilder
  ) {
    let depth = k * 128..<min(contraction, (k + 1) * 128)
    builder.loadTransposedRows(
      target.rows(0..<depth.count), from: tensor, rows: range, columns: depth, on: queue)
  }
}

extension KernelBuilder {
  /// A block [rows, columns] of a tensor becomes a tile [columns, rows]. The DMA transposes whole
  /// groups of 16 rows; what is left is read element by element.
  mutating func loadTransposedRows(
    _ tile: Tile, from tensor: TensorHandle, rows: Range<Int>, columns: Range<Int>,
    on queue: Engine = .sync
  ) {
    let whole = rows.count / 16 * 16
    if whole > 0 {
      loadTransposed(
        tile.columns(0..<whole),
        from: tensor.block(rows: rows.lowerBound..<rows.lowerBound + whole, columns: columns),
        on: queue)
    }
    if whole < rows.count {
      load(
        tile.columns(whole..<rows.count),
        from: tensor.access(
          offset: (rows.lowerBound + whole) * tensor.columns + columns.lowerBound,
          sizes: [columns.count, rows.count - whole], strides: [1, tensor.columns]), on: queue)
    }
  }
}
