import CoreState
package import NumericFormats

/// A few tiles of one shape that are handed out in turn: the memory behind double buffering.
///
/// The builder keeps a rotated buffer from being overwritten before its readers are done.
package struct TilePool: Sendable {
  /// All buffers.
  package let tiles: [Tile]
  private var turn = 0

  init(tiles: [Tile]) { self.tiles = tiles }

  /// The next buffer in turn.
  package mutating func next() -> Tile {
    defer { turn = (turn + 1) % tiles.count }
    return tiles[turn]
  }
}

/// PSUM banks that are handed out in turn, each as tiles of fp32 or of a transposed format.
package struct BankPool: Sendable {
  /// One tile of bytes per buffer; each spans `banksPerBuffer` banks.
  private let tiles: [Tile]
  private var turn = 0

  init(tiles: [Tile]) { self.tiles = tiles }

  /// The next buffer in turn: `partitions` × `columns` elements from its beginning.
  package mutating func next(
    partitions: Int = 128, columns: Int, _ format: NumberFormat = .float32
  ) -> Tile {
    defer { turn = (turn + 1) % tiles.count }
    var tile = tiles[turn].rows(0..<partitions)
    precondition(
      columns * format.sizeBytes <= tile.columns * tile.format.sizeBytes, "the tile fits its banks")
    tile.access.format = format
    tile.access.sizes[0] = UInt16(columns)
    return tile
  }
}
