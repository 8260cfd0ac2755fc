import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Sums of products whose weights were stationary, turned into rows of a tensor in HBM.
///
/// Such sums have their columns on partitions. They are rounded, the tensor engine turns one row of
/// the result after the other, and each partition then stores 128 consecutive elements.
struct TurnedSums {
  /// Most rows of a result: each is turned by itself.
  static let mostRows = 32
  /// Most tiles of 128 columns: each becomes a partition.
  static let mostTiles = 128

  private let identity: Tile
  private let format: NumberFormat
  private var rounded: TilePool
  private var results: TilePool
  private var turn = 0

  /// Room for sums of `rows` rows and `tiles` tiles of columns, two at a time.
  init(rows: Int, tiles: Int, format: NumberFormat, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.format = format
    identity = try builder.identity(128, format)
    rounded = try builder.pool("rounded", buffers: 2, tiles * rows, format: format)
    results = try builder.pool("turned", buffers: 2, partitions: tiles, rows, 128, format: format)
  }

  /// Stores sums [128, tiles · rows], in which element t · rows + r of partition p is column
  /// t · 128 + p of row r.
  ///
  /// - Parameters:
  ///   - residual: a tensor of the same rows that is added.
  ///   - banks: where rows are turned.
  mutating func store(
    _ sums: Tile, tiles: Int, rows: Int, to tensor: TensorHandle,
    adding residual: TensorHandle? = nil,
    over banks: inout BankPool, _ builder: inout KernelBuilder
  ) {
    let values = rounded.next().columns(0..<tiles * rows)
    builder.copy(values, sums, on: .vector)
    let result = results.next().rows(0..<tiles)
    if let residual { builder.load(result, from: Self.access(residual, tiles, rows), on: .scalar) }
    for row in 0..<rows {
      let bank = banks.next(partitions: tiles, columns: 128, builder.turnedFormat(format))
      builder.transpose(
        bank, values.viewed(offset: row, sizes: [tiles], strides: [rows]), identity: identity)
      if residual != nil {
        builder.tensorTensor(result.block(row), bank, result.block(row), .add)
      } else {
        turn += 1
        builder.copy(result.block(row), bank, on: turn % 2 == 0 ? .scalar : .vector)
      }
    }
    builder.store(Self.access(tensor, tiles, rows), from: result, on: .scalar)
  }

  /// Tiles of columns on partitions, then rows, then columns.
  private static func access(_ tensor: TensorHandle, _ tiles: Int, _ rows: Int) -> TensorAccess {
    tensor.access(
      offset: 0, sizes: [tiles, rows, 128], strides: [128, tensor.columns, 1])
  }
}
