import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Who meets which expert, and how much: computed on the device from the logits.
struct ExpertRouting {
  /// [128, slots, T]: the weight of each token for each expert, or for each chosen one when weights
  /// are gathered; the same on every partition.
  let weights: Tile
  /// [128, slots] of a gate's or up's table and of a down's table: the row of partition p.
  let widthRows: Tile?
  let hiddenRows: Tile?
  /// [128, slots]: the numbers of the chosen experts where a kernel keeps them for itself; the same
  /// on every partition.
  let numbers: Tile?

  /// - Parameter keepsNumbers: hands out the experts' numbers and no rows of tables.
  init(
    _ kernel: ExpertLayerKernel, logits tensor: TensorHandle, tokens: Range<Int>,
    banks: inout BankPool, keepsNumbers: Bool = false, _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    let count = tokens.count
    let slots = kernel.gathers ? kernel.chosen : kernel.experts
    let logits = try builder.tile(
      "logits", partitions: count, kernel.experts, format: .float32)
    builder.load(logits, from: tensor.rows(tokens), on: .scalar)
    let best = try builder.tile("best", partitions: count, 8, format: .float32)
    builder.largestEight(best, logits)
    let local = try Self.weights(kernel, logits, best, &builder)
    let identity = try builder.identity(count, .float32)
    weights = try builder.tile("weights", slots, count, format: .float32)
    // A column of weights as stationary operand, repeated, times the identity: one row everywhere.
    for cut in pieces(slots, 512 / count) {
      let bank = banks.next(columns: cut.count * count).shaped(cut.count, count)
      for (place, slot) in cut.enumerated() {
        builder.matmul(
          bank.block(place), stationary: local.viewed(offset: slot, sizes: [128], strides: [0]),
          moving: identity)
      }
      builder.copy(weights.blocks(cut), bank)
    }
    guard kernel.gathers else {
      (widthRows, hiddenRows, self.numbers) = (nil, nil, nil)
      return
    }
    let found = try builder.tile("numbers", partitions: 1, 8, format: .uint32)
    builder.findEight(found, logits, values: best)
    let numbers = try builder.tile("expert numbers", partitions: 1, 8, format: .float32)
    builder.copy(numbers, found)
    let ones = try builder.tile("ones", partitions: 1, 128, format: .float32)
    builder.memset(ones, 1, on: .gpsimd)
    let bank = banks.next(columns: slots)
    builder.matmul(bank, stationary: ones, moving: numbers.columns(0..<slots))
    if keepsNumbers {
      let kept = try builder.tile("all numbers", slots, format: .float32)
      builder.copy(kept, bank)
      (widthRows, hiddenRows, self.numbers) = (nil, nil, kept)
      return
    }
    self.numbers = nil
    widthRows = try Self.rows(bank, each: kernel.rows.width, &builder)
    hiddenRows = try Self.rows(bank, each: kernel.rows.hidden, &builder)
  }

  /// Softmax over the chosen: of all experts, zeros elsewhere, or of the best in their order.
  private static func weights(
    _ kernel: ExpertLayerKernel, _ logits: Tile, _ best: Tile, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let count = logits.partitions
    let work = try builder.tile("routing", partitions: count, 4, format: .float32)
    let negative = work.columns(0..<1)
    builder.tensorScalar(negative, best.columns(0..<1), .multiply, .immediate(-1))
    let source = kernel.gathers ? best.columns(0..<kernel.chosen) : logits
    let weights = try builder.tile(
      "token weights", partitions: count, source.columns, format: .float32)
    builder.activation(weights, .exp, source, bias: negative.pointer)
    if !kernel.gathers {
      let threshold = best.columns(kernel.chosen - 1..<kernel.chosen).pointer
      builder.scalarTensorTensor(
        weights, logits, .greaterEqual, threshold, .multiply, weights)
    }
    let sum = work.columns(1..<2)
    builder.tensorReduce(sum, weights, .add)
    let inverse = work.columns(2..<3)
    builder.reciprocal(inverse, sum)
    builder.tensorScalar(weights, weights, .multiply, inverse.pointer)
    return weights
  }

  /// expert · each + p: exact in fp32.
  private static func rows(_ experts: Tile, each: Int, _ builder: inout KernelBuilder)
    throws(BuilderError) -> Tile
  {
    let place = try builder.tile("partition", 1, format: .float32)
    builder.iota(place, channelMultiplier: 1, steps: [0])
    let sums = try builder.tile("row numbers", experts.columns, format: .float32)
    builder.tensorScalar(
      sums, experts, .multiply, .immediate(Float(each)), .add, place.pointer)
    let rows = try builder.tile("rows", experts.columns, format: .uint32)
    builder.copy(rows, sums)
    return rows
  }
}
