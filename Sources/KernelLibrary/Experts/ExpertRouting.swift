import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Who meets which expert, and how much: computed on the device from the logits.
struct ExpertRouting {
  /// [128, slots, T]: the weight of each token for each expert, or for each chosen one where only
  /// these are read; the same on every partition.
  let weights: Tile
  /// The number of the chosen expert of each slot, on the first partition, where only these are
  /// read.
  private let numbers: Tile?
  private let experts: Int
  private var offsets: [Place: OffsetRegister] = [:]

  /// A table, by the bytes that an expert takes of it, and a slot, as a queue knows them.
  private struct Place: Hashable {
    var queue: Engine
    var stepBytes: Int
    var slot: Int
  }

  /// The logits of some tokens [T, E], from where a router's product left them.
  static func load(
    _ logits: TensorHandle, _ tokens: Range<Int>, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let tile = try builder.tile(
      "logits", partitions: tokens.count, logits.columns, format: .float32)
    builder.load(tile, from: logits.rows(tokens), on: .scalar)
    return tile
  }

  /// The routing of tokens whose logits [T, E] are at hand.
  init(
    _ kernel: ExpertLayerKernel, logits: Tile, banks: inout BankPool,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    let count = logits.partitions
    let slots = kernel.readsChosen ? kernel.chosen : kernel.experts
    let best = try builder.tile("best", partitions: count, 8, format: .float32)
    builder.largestEight(best, logits)
    experts = kernel.experts
    if kernel.readsChosen {
      // At once, because all loads wait for them.
      let found = try builder.tile("numbers", partitions: 1, 8, format: .uint32)
      builder.findEight(found, logits, values: best)
      numbers = found
    } else {
      numbers = nil
    }
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
  }

  /// Loads what `access` names of a table's first expert, of the expert in a slot: one whose number
  /// the device computes where only the chosen ones are read.
  mutating func load(
    _ tile: Tile, from access: TensorAccess, of table: TensorHandle, slot: Int,
    on queue: Engine = .sync, _ builder: inout KernelBuilder
  ) {
    let step = table.sizeBytes / experts
    guard let numbers else {
      var source = access
      source.byteOffset += Int64(slot * step)
      builder.load(tile, from: source, on: queue)
      return
    }
    let place = Place(queue: queue, stepBytes: step, slot: slot)
    let offset =
      offsets[place]
      ?? builder.offsetRegister(
        numbers.columns(slot..<slot + 1), stepBytes: step, count: experts, on: queue)
    offsets[place] = offset
    builder.load(tile, from: access, offset: offset)
  }

  /// Softmax over the chosen: of all experts, zeros elsewhere, or of the best in their order.
  private static func weights(
    _ kernel: ExpertLayerKernel, _ logits: Tile, _ best: Tile, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Tile {
    let count = logits.partitions
    let work = try builder.tile("routing", partitions: count, 4, format: .float32)
    let negative = work.columns(0..<1)
    builder.tensorScalar(negative, best.columns(0..<1), .multiply, .immediate(-1))
    let source = kernel.readsChosen ? best.columns(0..<kernel.chosen) : logits
    let weights = try builder.tile(
      "token weights", partitions: count, source.columns, format: .float32)
    builder.activation(weights, .exp, source, bias: negative.pointer)
    if !kernel.readsChosen {
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
}
