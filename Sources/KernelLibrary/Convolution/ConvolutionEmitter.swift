import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits a convolution: loads run ahead by a few bands, products accumulate over taps and tiles of
/// input channels, and banks are emptied by the vector and scalar engines in turn.
struct ConvolutionEmitter {
  private let plan: ConvolutionPlan
  private var weights: ConvolutionWeights
  private var input: ConvolutionInput
  private var epilogue: ConvolutionEpilogue
  private var banks: BankPool
  private let bankCount: Int
  /// Nothing times nothing: the first product of a tile that no tap covers.
  private let zeros: Tile?
  private var ready: [(weights: [Tile], input: [Tile])] = []

  init(_ plan: ConvolutionPlan, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.plan = plan
    epilogue = try ConvolutionEpilogue(plan, tensors, &builder)
    weights = try ConvolutionWeights(plan, tensors[1], &builder)
    input = try ConvolutionInput(plan, tensors[0], &builder)
    bankCount = builder.freeBanks
    banks = try builder.banks("product", buffers: bankCount)
    let bands = Set(plan.steps.map(\.band))
    let isCovered = bands.allSatisfy { band in
      plan.tiles(band).allSatisfy { plan.reachingTaps($0).first?.part == $0 }
    }
    guard !isCovered else {
      zeros = nil
      return
    }
    let tile = try builder.tile(
      "zeros", partitions: 1, ConvolutionPlan.tileColumns, format: plan.kernel.input)
    builder.memset(tile, 0)
    zeros = tile
  }

  mutating func emit(into builder: inout KernelBuilder) throws(BuilderError) {
    for index in plan.steps.indices {
      while ready.count < plan.steps.count, mayLoad(ready.count, at: index) {
        prepare(plan.steps[ready.count], &builder)
      }
      compute(index, &builder)
    }
  }

  /// True when a step's loads find buffers that no step from `index` on still needs.
  private func mayLoad(_ candidate: Int, at index: Int) -> Bool {
    let ahead = plan.keepsInput ? 2 : plan.inputBuffers - 1
    guard candidate <= index + ahead else { return false }
    let groups = Set(
      plan.steps[index...candidate].map { [$0.bundle, $0.outputTiles.lowerBound] })
    return groups.count <= plan.weightBuffers
  }

  /// Loads what a step reads. The first weights come over a queue of their own.
  private mutating func prepare(_ step: ConvolutionStep, _ builder: inout KernelBuilder) {
    let before = ready.isEmpty ? nil : plan.steps[ready.count - 1]
    let tiles: [Tile]
    if let before, before.bundle == step.bundle, before.outputTiles == step.outputTiles {
      tiles = ready[ready.count - 1].weights
    } else {
      tiles = weights.load(step, on: before == nil ? .scalar : .sync, &banks, &builder)
    }
    ready.append((tiles, input.load(step, &builder)))
    epilogue.prepare(step, &builder)
  }

  private struct Pair {
    var outputs: Range<Int>
    var tile: ConvolutionBox
    var bank: Tile
  }

  /// Tile after tile of the band for each tile of output channels. In the first step all banks are
  /// open at once, so that products begin with the first tile of input channels.
  private mutating func compute(_ index: Int, _ builder: inout KernelBuilder) {
    let step = plan.steps[index]
    let bundle = plan.bundles[step.bundle]
    let tiles = plan.tiles(step.band)
    var pairs: [(Range<Int>, ConvolutionBox)] = []
    for outputs in bundle.outputTiles[step.outputTiles] {
      for tile in tiles { pairs.append((outputs, tile)) }
    }
    epilogue.begin(step)
    for block in pieces(pairs.count, index == 0 ? bankCount : 1) {
      let open = pairs[block].map {
        Pair(
          outputs: $0.0, tile: $0.1,
          bank: banks.next(partitions: $0.0.count, columns: $0.1.count))
      }
      for inputTile in bundle.inputTiles.indices {
        for pair in open { multiply(pair, step, index, inputTile, &builder) }
      }
      for pair in open {
        epilogue.finish(step, pair.outputs, pair.tile, pair.bank, &builder)
      }
    }
  }

  private func multiply(
    _ pair: Pair, _ step: ConvolutionStep, _ index: Int, _ inputTile: Int,
    _ builder: inout KernelBuilder
  ) {
    let bundle = plan.bundles[step.bundle]
    let box = plan.inputBox(step.band)
    let first = pair.outputs.lowerBound - step.outputTiles.lowerBound * 128
    let columns = first..<first + pair.outputs.count
    let taps = plan.reachingTaps(pair.tile)
    var accumulates = inputTile > 0
    if !accumulates, taps.first?.part != pair.tile, let zeros {
      builder.matmul(
        pair.bank, stationary: zeros.columns(0..<pair.outputs.count),
        moving: zeros.columns(0..<pair.tile.count))
      accumulates = true
    }
    for (tap, part) in taps {
      let rows = 0..<plan.contraction(bundle, bundle.inputTiles[inputTile], tap)
      builder.matmul(
        pair.tile.view(pair.bank, part),
        stationary: ready[index].weights[inputTile].rows(rows).block(tap.index).columns(columns),
        moving: plan.moving(ready[index].input[inputTile].rows(rows), box, tap, part),
        accumulates: accumulates)
      accumulates = true
    }
  }
}
