import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Masks of places that see something real through a tap: a column of ones and zeros each, made
/// where it is first needed.
struct WeightGradientMasks {
  /// What a mask depends on.
  struct Key: Hashable {
    /// Images of a block.
    var images: Int
    /// Rows of the block, and those of them that see a real row.
    var count: Int
    var rows: Range<Int>
    /// Columns that see a real column.
    var columns: Range<Int>
  }

  /// Different masks of a kernel: a few per tap, for the first, the last and other rows.
  private static let most = 512

  private let width: Int
  private let tile: Tile
  private let one: Tile
  private var lines: TilePool
  private var columns: [Key: Tile] = [:]

  /// - Parameter width: places of a row.
  init(width: Int, _ builder: inout KernelBuilder) throws(BuilderError) {
    self.width = width
    tile = try builder.tile("masks", Self.most, format: .float32)
    one = try builder.tile("one", partitions: 1, 1, format: .float32)
    lines = try builder.pool("line", buffers: 2, partitions: 1, 128, format: .float32)
    builder.memset(one, 1)
  }

  /// The mask of a block and tap; nil where all places see something real.
  mutating func column(
    _ key: Key, _ banks: inout BankPool, _ builder: inout KernelBuilder
  ) -> Tile? {
    if key.rows == 0..<key.count, key.columns == 0..<width { return nil }
    if let known = columns[key] { return known }
    precondition(columns.count < Self.most, "blocks differ at the edges alone")
    let count = key.images * key.count * width
    let line = lines.next().columns(0..<count)
    builder.memset(line, 0)
    if !key.rows.isEmpty, !key.columns.isEmpty {
      builder.memset(
        line.viewed(
          offset: key.rows.lowerBound * width + key.columns.lowerBound,
          sizes: [key.images, key.rows.count, key.columns.count],
          strides: [key.count * width, width, 1]), 1)
    }
    // A product with one turns the line.
    let bank = banks.next(partitions: count, columns: 1)
    builder.matmul(bank, stationary: line, moving: one)
    let column = tile[0..<count, columns.count..<columns.count + 1]
    builder.copy(column, bank)
    columns[key] = column
    return column
  }
}
