import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// What happens to a few rows before a kernel multiplies them: a tensor may be added, and the
/// root-mean-square norm is taken, so that neither goes through HBM again.
package struct RowNorm: Hashable, Sendable {
  /// Added to the mean of squares.
  package var epsilon: Float
  /// True when a tensor of the rows' shape is added first, and the sum is wanted too.
  package var hasAddend: Bool

  /// A norm.
  package init(epsilon: Float, hasAddend: Bool) {
    self.epsilon = epsilon
    self.hasAddend = hasAddend
  }

  /// What a kernel's name says of it, in front.
  var label: String { hasAddend ? "add+rmsnorm+" : "rmsnorm+" }
}

/// Rows [M, K] with K on partitions, partition p holding K / 128 neighbours of each: what products
/// with few rows take as their moving operand.
struct FewRows {
  let rows: Int
  /// Tiles of K.
  let tiles: Int
  private let loader: ContractionLoader
  private let panel: Tile

  /// Loads rows, and normalises them where that is asked for.
  ///
  /// - Parameters:
  ///   - layout: how they lie in HBM; those that are normalised lie [M, K].
  ///   - norm: the norm with its tensors: gamma [K], and the addend and the sum, if any.
  init(
    _ tensor: TensorHandle, layout: MatmulKernel.Layout, rows: Int, depth: Int,
    norm: (RowNorm, gamma: TensorHandle, addend: TensorHandle?, sum: TensorHandle?)? = nil,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.rows = rows
    tiles = depth / 128
    loader = ContractionLoader(
      tensor: tensor, layout: layout, contraction: depth, isPartitionMajor: true,
      isStrided: layout == .contractionColumns)
    let x = try builder.tile("x", tiles, rows, format: tensor.format)
    loader.load(x, 0..<tiles, 0..<rows, on: .scalar, &builder)
    guard let norm else {
      panel = x
      return
    }
    panel = try Self.normalised(x, (rows, tiles), norm, &builder)
  }

  /// A tile of K as moving operand: [128, M].
  func tile(_ k: Int) -> Tile { loader.tile(panel, k, 0..<rows) }

  /// All rows in the norm's layout, [128, M, tiles] as a tensor [M, K] has them.
  private static func access(_ tensor: TensorHandle, _ shape: (rows: Int, tiles: Int))
    -> TensorAccess
  {
    tensor.access(
      offset: 0, sizes: [128, shape.rows, shape.tiles],
      strides: [shape.tiles, 128 * shape.tiles, 1])
  }

  /// The norm of rows that lie over all partitions: each sums its own squares, a product with ones
  /// adds the sums up and hands the totals to all.
  private static func normalised(
    _ x: Tile, _ shape: (rows: Int, tiles: Int),
    _ norm: (RowNorm, gamma: TensorHandle, addend: TensorHandle?, sum: TensorHandle?),
    _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let (rows, tiles) = shape
    let ones = try builder.blockDiagonal("ones", 128, block: 128, of: 1)
    let gamma = try builder.tile("gamma", tiles, format: norm.gamma.format)
    builder.load(
      gamma, from: norm.gamma.access(offset: 0, sizes: [128, tiles], strides: [tiles, 1]),
      on: .scalar)
    // Row after row on a partition.
    let byRow = { (tile: Tile) in tile.viewed(sizes: [rows, tiles], strides: [tiles, 1]) }
    var source = byRow(x)
    if let addend = norm.addend, let sum = norm.sum {
      let other = byRow(try builder.tile("addend", tiles, rows, format: x.format))
      // Not on the queue of the weights, whose first loads a kernel before may take along.
      builder.load(other, from: access(addend, shape), on: .scalar)
      // The norm is that of the sum as it is stored.
      let total = byRow(try builder.tile("sum", tiles, rows, format: x.format))
      builder.tensorTensor(total, source, other, .add)
      builder.store(access(sum, shape), from: total, on: .scalar)
      source = total
    }
    let wide = byRow(try builder.tile("squares", tiles, rows, format: .float32))
    let sums = try builder.tile("sums of squares", rows, format: .float32)
    if rows == 1 {
      builder.activation(wide, .square, source, sum: sums)
    } else {
      builder.tensorTensor(wide, source, source, .multiply)
      builder.tensorReduce(sums, wide, .add)
    }
    var banks = try builder.banks("total", buffers: 1)
    let total = banks.next(columns: rows)
    builder.matmul(total, stationary: ones, moving: sums)
    let scales = try builder.tile("scale", rows, format: .float32)
    builder.activation(
      scales, .rsqrt, total, scale: .immediate(1 / Float(128 * tiles)),
      bias: .immediate(norm.0.epsilon))
    let result = try builder.tile("normal", tiles, rows, format: x.format)
    if rows == 1 {
      builder.scalarTensorTensor(
        byRow(result), source, .multiply, scales.pointer, .multiply,
        gamma.viewed(sizes: [1, tiles], strides: [0, 1]))
    } else {
      builder.tensorTensor(
        wide, source, scales.viewed(sizes: [rows, tiles], strides: [1, 0]), .multiply)
      builder.tensorTensor(
        byRow(result), wide, gamma.viewed(sizes: [rows, tiles], strides: [0, 1]), .multiply)
    }
    return result
  }
}
