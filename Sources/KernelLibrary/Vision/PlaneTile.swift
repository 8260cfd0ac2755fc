import CoreState
import KernelBuilder
import NumericFormats

/// Some planes on partitions, each a block of rows × columns: what kernels that look at every plane
/// of an image by itself work on.
///
/// The tile's free dimensions are planes per partition, rows, columns.
struct PlaneTile {
  var tile: Tile
  var planes: Int
  var rows: Int
  var columns: Int

  /// The first planes and rows of a buffer.
  init(_ buffer: Tile, partitions: Int, planes: Int, rows: Int, columns: Int) {
    tile = buffer[0..<partitions, 0..<planes * rows * columns]
    self.planes = planes
    self.rows = rows
    self.columns = columns
  }

  /// Rows and columns taken with steps, as the tile of a pattern.
  func view(rows: Steps, columns: Steps) -> Tile {
    tile.viewed(
      offset: rows.first * self.columns + columns.first,
      sizes: [planes, rows.count, columns.count],
      strides: [
        planes > 1 ? self.rows * self.columns : 0, rows.count > 1 ? rows.step * self.columns : 0,
        columns.count > 1 ? columns.step : 1,
      ])
  }

  var whole: Tile { tile }
  var allRows: Steps { Steps(0, rows) }
  var allColumns: Steps { Steps(0, columns) }
}

/// Indices first, first + step, ….
struct Steps: Hashable {
  var first: Int
  var count: Int
  var step: Int

  init(_ first: Int, _ count: Int, step: Int = 1) {
    self.first = first
    self.count = count
    self.step = step
  }
}

/// Planes of one size dealt over partitions, and their rows over bands: what is loaded, computed
/// and stored together.
struct PlaneBand: Hashable {
  /// Planes: consecutive ones on each partition.
  var planes: RowTile
  /// Rows of the result.
  var rows: Range<Int>

  /// Bands of at most `limit` elements of `perPlane(rows)`; several planes per partition when whole
  /// planes are small. Nil when one row of a plane is too much.
  static func all(planes: Int, rows: Int, limit: Int, perPlane: (Range<Int>) -> Int)
    -> [PlaneBand]?
  {
    let whole = perPlane(0..<rows)
    if whole <= limit {
      return RowTile.tiles(
        planes, rowBytes: max(1, whole), mostPerPartition: max(1, min(16, limit / whole))
      ).map { PlaneBand(planes: $0, rows: 0..<rows) }
    }
    for count in 2...max(2, rows) {
      let cuts = (0..<rows).evenly(min(count, rows))
      guard cuts.allSatisfy({ perPlane($0) <= limit }) else { continue }
      let tiles = RowTile.tiles(planes, rowBytes: whole, mostPerPartition: 1)
      return tiles.flatMap { tile in cuts.map { PlaneBand(planes: tile, rows: $0) } }
    }
    return nil
  }

  /// Rows of the band's planes in HBM, for a tensor of planes of `height` × `width`.
  func access(_ tensor: TensorHandle, rows: Range<Int>, height: Int, width: Int) -> TensorAccess {
    let plane = height * width
    return tensor.access(
      offset: planes.first * plane + rows.lowerBound * width,
      sizes: [planes.partitions, planes.perPartition, rows.count * width],
      strides: [planes.perPartition * plane, plane, 1])
  }
}
