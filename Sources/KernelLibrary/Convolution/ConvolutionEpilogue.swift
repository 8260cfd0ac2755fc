import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// What happens to a finished tile of a convolution on its way from PSUM to HBM: residual, bias,
/// activation, cast, store.
struct ConvolutionEpilogue {
  private let plan: ConvolutionPlan
  private let out: TensorHandle
  private let residual: TensorHandle?
  private var results: TilePool
  private var residualPool: TilePool?
  private var residuals: [[Tile]] = []
  private let identity: Tile?
  /// A column per tile of output channels, over all bundles.
  private var bias: Tile?
  /// The same for each image: [tiles, images] per channel, the bias included.
  private var imageBias: Tile?
  private var stepIndex = -1
  private var row: Tile?
  private var turn = 0

  init(_ plan: ConvolutionPlan, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.plan = plan
    let kernel = plan.kernel
    out = tensors[tensors.count - 1]
    residual = kernel.hasResidual ? tensors[tensors.count - 2] : nil
    results = try builder.pool(
      "out", buffers: ConvolutionPlan.resultBuffers, plan.resultElements, format: kernel.output)
    if kernel.hasResidual {
      residualPool = try builder.pool(
        "residual", buffers: ConvolutionPlan.residualSteps * plan.outputTilesPerStep,
        plan.resultElements,
        format: kernel.output)
      identity = try builder.identity(128, kernel.output)
    } else {
      identity = nil
    }
    if kernel.hasBias { try loadBias(tensors[2], &builder) }
    if kernel.hasImageBias { try loadImageBias(tensors[kernel.hasBias ? 3 : 2], &builder) }
  }

  /// One bias per output channel: a column per tile, whole tiles in one transfer.
  private mutating func loadBias(_ tensor: TensorHandle, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    let perBundle = plan.bundles[0].outputTiles.count
    let bias = try builder.tile("bias", perBundle * plan.bundles.count, format: .float32)
    for (index, bundle) in plan.bundles.enumerated() {
      let whole = bundle.outputs.count / 128
      let first = index * perBundle
      if whole > 0 {
        builder.load(
          bias.columns(first..<first + whole),
          from: tensor.access(
            offset: bundle.outputs.lowerBound, sizes: [128, whole], strides: [1, 128]),
          on: .scalar)
      }
      let rest = bundle.outputs.lowerBound + whole * 128..<bundle.outputs.upperBound
      guard !rest.isEmpty else { continue }
      builder.load(
        bias.columns(first + whole..<first + whole + 1).rows(0..<rest.count),
        from: tensor.rows(rest), on: .scalar)
    }
    self.bias = bias
  }

  /// A column per tile of output channels and image.
  private mutating func loadImageBias(_ tensor: TensorHandle, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    let perBundle = plan.bundles[0].outputTiles.count
    let images = plan.kernel.batch
    let all = try builder.tile(
      "image bias", perBundle * plan.bundles.count, images, format: .float32)
    for (index, bundle) in plan.bundles.enumerated() {
      for (number, outputs) in bundle.outputTiles.enumerated() {
        let column = index * perBundle + number
        let target = all.block(column).rows(0..<outputs.count)
        builder.load(target, from: tensor.rows(channels(bundle, outputs)), on: .scalar)
        guard let bias else { continue }
        builder.tensorScalar(
          target, target, .add, bias[0..<outputs.count, column..<column + 1].pointer)
      }
    }
    imageBias = all
  }

  /// What is added to a tile: a value per partition.
  private func addend(_ number: Int, _ count: Int, image: Int) -> ScalarOperand? {
    if let imageBias {
      return imageBias.block(number)[0..<count, image..<image + 1].pointer
    }
    return bias?[0..<count, number..<number + 1].pointer
  }

  /// Loads the residual of a step that comes up.
  mutating func prepare(_ step: ConvolutionStep, _ builder: inout KernelBuilder) {
    guard let residual, var pool = residualPool else { return }
    let bundle = plan.bundles[step.bundle]
    var tiles: [Tile] = []
    for outputs in bundle.outputTiles[step.outputTiles] {
      let tile = pool.next()[0..<outputs.count, 0..<step.band.count]
      builder.load(
        tile,
        from: plan.volume.outputAccess(
          residual, image: step.image, channels: channels(bundle, outputs), step.band))
      tiles.append(tile)
    }
    residualPool = pool
    residuals.append(tiles)
  }

  private func channels(_ bundle: ConvolutionBundle, _ outputs: Range<Int>) -> Range<Int> {
    bundle.outputs.lowerBound + outputs.lowerBound..<bundle.outputs.lowerBound + outputs.upperBound
  }

  /// Announces the next step whose tiles will be finished.
  mutating func begin(_ step: ConvolutionStep) {
    stepIndex += 1
    row = nil
  }

  /// Takes a finished tile; `outputs` count within the bundle.
  mutating func finish(
    _ step: ConvolutionStep, _ outputs: Range<Int>, _ tile: ConvolutionBox, _ bank: Tile,
    _ builder: inout KernelBuilder
  ) {
    let bundle = plan.bundles[step.bundle]
    if let identity {
      let index = outputs.lowerBound / 128 - step.outputTiles.lowerBound
      builder.matmul(
        bank, stationary: identity[0..<outputs.count, 0..<outputs.count],
        moving: step.band.view(residuals[stepIndex][index], tile), accumulates: true)
    }
    let result = row ?? results.next()[0..<outputs.count, 0..<step.band.count]
    row = result
    let number = step.bundle * plan.bundles[0].outputTiles.count + outputs.lowerBound / 128
    convert(
      bank, to: step.band.view(result, tile),
      addend(
        number, outputs.count, image: plan.volume.images > 1 ? step.image : tile.planes.lowerBound),
      &builder)
    let isLast =
      tile.planes.upperBound == step.band.planes.upperBound
      && tile.rows.upperBound == step.band.rows.upperBound
      && tile.columns.upperBound == step.band.columns.upperBound
    guard isLast else { return }
    builder.store(
      plan.volume.outputAccess(
        out, image: step.image, channels: channels(bundle, outputs), step.band), from: result)
    row = nil
  }

  /// PSUM to SBUF with bias and activation; the two engines take turns where both can.
  private mutating func convert(
    _ bank: Tile, to target: Tile, _ bias: ScalarOperand?, _ builder: inout KernelBuilder
  ) {
    let function = plan.kernel.activation
    turn += 1
    guard function == nil || function == .relu, turn % 2 == 0 else {
      let usual: ActivationFunction = bias == nil ? .copy : .identity
      builder.activation(target, function ?? usual, bank, bias: bias ?? .immediate(0))
      return
    }
    if let bias {
      builder.tensorScalar(
        target, bank, .add, bias, function == .relu ? .max : .bypass, .immediate(0))
    } else if function == .relu {
      builder.tensorScalar(target, bank, .max, .immediate(0))
    } else {
      builder.copy(target, bank)
    }
  }
}
