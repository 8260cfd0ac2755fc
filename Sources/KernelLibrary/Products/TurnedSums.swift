import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Sums of products whose weights were stationary, turned into rows of a tensor in HBM.
///
/// Such sums have their columns on partitions. They are rounded, the tensor engine turns one row of
/// the result after the other, and each partition then stores neighbouring elements of every row.
struct TurnedSums {
  /// Most rows of a result: each is turned by itself.
  static let mostRows = 32
  /// Most tiles of columns: each becomes a partition.
  static let mostTiles = 128

  /// Bytes of a partition that results on their way to HBM take.
  private static let resultBytes = 12 << 10

  /// What becomes of the rows on their way.
  struct Finish {
    /// One value per column, which is added first.
    var bias: TensorHandle?
    /// A tensor of the same rows, which is added.
    var residual: TensorHandle?
    /// Their heads are turned by position.
    var rotation: HeadRotation?
    /// They are the tokens of a cache by tokens.
    var cache: TokenCache?
  }

  /// True for sums that can be turned: of few rows, in tiles that fill the array, within one bank
  /// or with whole tiles in each.
  static func takes(rows: Int, _ cut: EvenCut) -> Bool {
    rows <= mostRows && cut.count <= mostTiles && cut.isDense && cut.size % 8 == 0
      && (rows * cut.count <= 512 || 512 % rows == 0)
  }

  private let rows: Int
  private let identity: Tile
  private let format: NumberFormat
  private var rounded: TilePool
  private var results: TilePool
  private var turn = 0

  /// Room for sums of `rows` rows and `tiles` tiles of columns, some at a time, and for `count`
  /// results where they are short.
  init(
    rows: Int, tiles: Int, results count: Int = 2, format: NumberFormat,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.rows = rows
    self.format = format
    identity = try builder.identity(128, format)
    rounded = try builder.pool("rounded", buffers: 2, tiles * rows, format: format)
    let most = Self.resultBytes / (rows * 128 * format.sizeBytes)
    results = try builder.pool(
      "turned", buffers: max(2, min(count, most)), partitions: tiles, rows, 128, format: format)
  }

  /// Stores sums [columns of a tile, tiles · rows], in which element t · rows + r of partition p is
  /// column t · cut.size + p of row r.
  ///
  /// - Parameters:
  ///   - cut: how the columns are cut into tiles.
  ///   - first: the tensor's row that is the first of them.
  ///   - banks: where rows are turned.
  mutating func store(
    _ sums: Tile, _ cut: EvenCut, to tensor: TensorHandle, first: Int = 0,
    _ finish: Finish = Finish(), over banks: inout BankPool, _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    let values = rounded.next().columns(0..<cut.count * rows).rows(0..<cut.size)
    builder.copy(values, sums.rows(0..<cut.size), on: .vector)
    let bias = try finish.bias.map { tensor throws(BuilderError) in
      try load(bias: tensor, cut, &builder)
    }
    var result = next(cut)
    if let residual = finish.residual {
      builder.load(result, from: access(residual, cut), on: .scalar)
    }
    for row in 0..<rows {
      let bank = banks.next(
        partitions: cut.count, columns: cut.size, builder.turnedFormat(format))
      builder.transpose(
        bank, values.viewed(offset: row, sizes: [cut.count], strides: [rows]),
        identity: identity[0..<cut.size, 0..<cut.size])
      if let bias {
        builder.tensorTensor(result.block(row), bank, bias, .add)
      } else if finish.residual != nil {
        builder.tensorTensor(result.block(row), bank, result.block(row), .add)
      } else {
        turn += 1
        builder.copy(result.block(row), bank, on: turn % 2 == 0 ? .scalar : .vector)
      }
    }
    if let rotation = finish.rotation {
      let turned = next(cut)
      rotation.turn(
        flat(result, cut), into: flat(turned, cut), &builder)
      result = turned
    }
    let place =
      finish.cache.map { $0.rows(tensor, rows, cut) }
      ?? access(tensor, cut, first: first)
    builder.store(place, from: result, on: .scalar)
  }

  /// Room for the rows of a result: [tiles, rows, columns of a tile].
  private mutating func next(_ cut: EvenCut) -> Tile {
    results.next().viewed(sizes: [rows, cut.size], strides: [cut.size, 1]).rows(0..<cut.count)
  }

  /// The same rows one behind the other.
  private func flat(_ result: Tile, _ cut: EvenCut) -> Tile {
    result.viewed(sizes: [rows * cut.size], strides: [1])
  }

  /// What each partition needs of a bias.
  private func load(
    bias tensor: TensorHandle, _ cut: EvenCut, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let bias = try builder.tile(
      "bias", partitions: cut.count, cut.size, format: tensor.format)
    builder.load(
      bias, from: tensor.access(offset: 0, sizes: [cut.count, cut.size], strides: [cut.size, 1]),
      on: .scalar)
    return bias
  }

  /// Tiles of columns on partitions, then rows, then columns.
  private func access(_ tensor: TensorHandle, _ cut: EvenCut, first: Int = 0) -> TensorAccess {
    tensor.access(
      offset: first * tensor.columns, sizes: [cut.count, rows, cut.size],
      strides: [cut.size, tensor.columns, 1])
  }
}
