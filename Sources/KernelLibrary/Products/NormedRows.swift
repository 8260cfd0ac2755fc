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
  /// True when that tensor gets a bias of one value per column, in fp32, before it is added.
  package var hasBias = false

  /// A norm.
  package init(epsilon: Float, hasAddend: Bool) {
    self.epsilon = epsilon
    self.hasAddend = hasAddend
  }

  /// What a kernel's name says of it, in front.
  var label: String { (hasBias ? "bias+" : "") + (hasAddend ? "add+rmsnorm+" : "rmsnorm+") }

  /// What it reads beside the rows, in the order of a kernel's parameters: addend [M, K] and bias
  /// [K], if any, and gamma [K].
  func inputs(rows: Int, depth: Int, _ format: NumberFormat) -> [KernelParameter] {
    (hasAddend ? [KernelParameter("addend", [rows, depth], format)] : [])
      + (hasBias ? [KernelParameter("addendBias", [depth], .float32)] : [])
      + [KernelParameter("gamma", [depth], format)]
  }
}

/// A norm with its tensors.
struct RowNormOperands {
  let norm: RowNorm
  let gamma: TensorHandle
  private(set) var addend: TensorHandle?
  private(set) var bias: TensorHandle?
  /// Where the sum of rows and addend goes, if one is added.
  var sum: TensorHandle?
  /// Where the normalised rows go, if others read them too.
  var result: TensorHandle?

  /// Of the parameters that `RowNorm.inputs` lists.
  init(_ norm: RowNorm, _ inputs: ArraySlice<TensorHandle>) {
    var rest = Array(inputs)
    self.norm = norm
    gamma = rest.removeLast()
    if norm.hasBias { bias = rest.removeLast() }
    if norm.hasAddend { addend = rest.removeLast() }
  }
}

/// Rows [M, K] with K on partitions, partition p holding as many neighbours of each as there are
/// tiles of K: what products with few rows take as their moving operand.
struct FewRows {
  let rows: Int
  /// Tiles of K, and rows of K in each.
  let cut: EvenCut
  private let loader: ContractionLoader
  private var panel: Tile

  /// Loads rows, and normalises them where that is asked for.
  ///
  /// - Parameters:
  ///   - layout: how they lie in HBM; those that are normalised lie [M, K].
  ///   - first: the first of them; of a norm's, 0.
  ///   - norm: the norm with its tensors.
  init(
    _ tensor: TensorHandle, layout: MatmulKernel.Layout, first: Int = 0, rows: Int, depth: Int,
    norm: RowNormOperands? = nil, _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.rows = rows
    cut = EvenCut(depth)
    var loader = ContractionLoader(
      tensor: tensor, layout: layout, contraction: depth, isPartitionMajor: true,
      isStrided: layout == .contractionColumns)
    loader.mostRows = cut.size
    self.loader = loader
    let x = try builder.tile(
      "x", partitions: cut.size, cut.count, rows, format: tensor.format)
    loader.load(x, 0..<cut.count, first..<first + rows, on: .scalar, &builder)
    panel = x
    if let norm { panel = try normalised(x, norm, &builder) }
  }

  /// A tile of K as moving operand: [rows of K, M].
  func tile(_ k: Int) -> Tile { loader.tile(panel, k, 0..<rows) }

  /// All rows in the norm's layout, [rows of K, M, tiles] as a tensor [M, K] has them.
  private func access(_ tensor: TensorHandle) -> TensorAccess {
    tensor.access(
      offset: 0, sizes: [cut.size, rows, cut.count],
      strides: [cut.count, cut.size * cut.count, 1])
  }

  /// A vector [K] as partitions hold it: what they have of each tile.
  private func load(
    _ name: String, _ tensor: TensorHandle, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let tile = try builder.tile(name, partitions: cut.size, cut.count, format: tensor.format)
    builder.load(
      tile, from: tensor.access(offset: 0, sizes: [cut.size, cut.count], strides: [cut.count, 1]),
      on: .scalar)
    return tile
  }

  /// A vector [K] beside each row.
  private func repeated(_ vector: Tile) -> Tile {
    vector.viewed(sizes: [rows, cut.count], strides: [0, 1])
  }

  /// Room for all rows, row after row on a partition.
  private func rowTile(
    _ name: String, _ format: NumberFormat, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    byRow(
      try builder.tile(name, partitions: cut.size, cut.count, rows, format: format))
  }

  private func byRow(_ tile: Tile) -> Tile {
    tile.viewed(sizes: [rows, cut.count], strides: [cut.count, 1])
  }

  /// The addend and its bias on chip, as far as there are any. Not on the queue of the weights,
  /// whose first loads a kernel before may take along.
  private func loadAddend(_ norm: RowNormOperands, _ builder: inout KernelBuilder)
    throws(BuilderError) -> (addend: Tile, bias: Tile?)?
  {
    guard let tensor = norm.addend else { return nil }
    let addend = try rowTile("addend", tensor.format, &builder)
    builder.load(addend, from: access(tensor), on: .scalar)
    return (
      addend,
      try norm.bias.map { bias throws(BuilderError) in try load("bias", bias, &builder) }
    )
  }

  /// The sum with the norm's addend, rounded as it is stored.
  private func added(
    _ source: Tile, _ addend: Tile, bias: Tile?, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    var other = addend
    if let bias {
      other = try rowTile("biased", addend.format, &builder)
      builder.tensorTensor(other, addend, repeated(bias), .add)
    }
    let total = try rowTile("sum", addend.format, &builder)
    builder.tensorTensor(total, source, other, .add)
    return total
  }

  /// The norm of rows that lie over all partitions: each sums its own squares, a product with ones
  /// adds the sums up and hands the totals to all.
  private func normalised(
    _ x: Tile, _ norm: RowNormOperands, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let addend = try loadAddend(norm, &builder)
    let gamma = try load("gamma", norm.gamma, &builder)
    let ones = try builder.blockDiagonal("ones", cut.size, block: cut.size, of: 1)
    var source = byRow(x)
    if let (addend, bias) = addend {
      source = try added(source, addend, bias: bias, &builder)
    }
    let wide = try rowTile("squares", .float32, &builder)
    let sums = try builder.tile(
      "sums of squares", partitions: cut.size, rows, format: .float32)
    if rows == 1 {
      builder.activation(wide, .square, source, sum: sums)
    } else {
      builder.tensorTensor(wide, source, source, .multiply)
      builder.tensorReduce(sums, wide, .add)
    }
    var banks = try builder.banks("total", buffers: 1)
    let total = banks.next(partitions: cut.size, columns: rows)
    builder.matmul(total, stationary: ones, moving: sums)
    let scales = try builder.tile("scale", partitions: cut.size, rows, format: .float32)
    builder.activation(
      scales, .rsqrt, total, scale: .immediate(1 / Float(cut.size * cut.count)),
      bias: .immediate(norm.norm.epsilon))
    // Behind what the scalar engine does for the norm: to start a transfer takes it as long.
    if let sum = norm.sum { builder.store(access(sum), from: source, on: .scalar) }
    let result = try builder.tile(
      "normal", partitions: cut.size, cut.count, rows, format: x.format)
    if rows == 1 {
      builder.scalarTensorTensor(
        byRow(result), source, .multiply, scales.pointer, .multiply, repeated(gamma))
    } else {
      builder.tensorTensor(
        wide, source, scales.viewed(sizes: [rows, cut.count], strides: [1, 0]), .multiply)
      builder.tensorTensor(byRow(result), wide, repeated(gamma), .multiply)
    }
    if let place = norm.result {
      builder.store(access(place), from: byRow(result), on: .scalar)
    }
    return result
  }
}
