import CoreState
import KernelBuilder

/// How rows are dealt over partitions: tiles of 128 partitions, each with some consecutive rows.
struct RowTile: Hashable {
  /// The first row.
  var first: Int
  /// Partitions in use.
  var partitions: Int
  /// Consecutive rows of each partition.
  var perPartition: Int

  /// Cuts `rows` rows of `rowBytes` into tiles whose transfers have long descriptors.
  static func tiles(_ rows: Int, rowBytes: Int, mostPerPartition: Int = 16) -> [RowTile] {
    // 4 KiB per descriptor saturate the DMA engines.
    let wanted = max(1, min(mostPerPartition, (4 << 10) / max(1, rowBytes)))
    var tiles: [RowTile] = []
    var first = 0
    while first < rows {
      let left = rows - first
      let perPartition = max(1, min(wanted, left / 128))
      let partitions = min(128, left / perPartition)
      tiles.append(RowTile(first: first, partitions: partitions, perPartition: perPartition))
      first += partitions * perPartition
    }
    return tiles
  }

  /// The tile's rows in HBM: partition, row, column.
  func access(_ tensor: TensorHandle, columns: Range<Int>? = nil) -> TensorAccess {
    let pitch = tensor.columns
    let range = columns ?? 0..<pitch
    return tensor.access(
      offset: first * pitch + range.lowerBound,
      sizes: [partitions, perPartition, range.count], strides: [perPartition * pitch, pitch, 1])
  }

  /// The part of a tile of SBUF with dimensions [rows per partition, columns] that is in use.
  func view(_ tile: Tile) -> Tile { tile.blocks(0..<perPartition).rows(0..<partitions) }
}
