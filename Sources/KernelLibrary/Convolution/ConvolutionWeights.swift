import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// The weights of a convolution in SBUF: per tile of input channels a tile [contraction rows, taps,
/// output channels of a step].
struct ConvolutionWeights {
  private let plan: ConvolutionPlan
  private let tensor: TensorHandle
  private var pools: [TilePool]
  private let mask: Tile?
  private let identity: Tile?
  private var raw: TilePool?
  private let turned: NumberFormat

  init(_ plan: ConvolutionPlan, _ tensor: TensorHandle, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.plan = plan
    self.tensor = tensor
    let kernel = plan.kernel
    pools = []
    for index in plan.bundles[0].inputTiles.indices {
      pools.append(
        try builder.pool(
          "weights \(index)", buffers: plan.weightBuffers, plan.taps.count,
          plan.outputTilesPerStep * 128, format: kernel.input))
    }
    mask = plan.bundles[0].isDiagonal ? try Self.mask(kernel, &builder) : nil
    turned = builder.turnedFormat(kernel.input)
    guard kernel.weightLayout == .outputsFirst else {
      identity = nil
      return
    }
    identity = try builder.identity(128, kernel.input)
    let perGroup = kernel.inputs / kernel.groups
    raw = try builder.pool(
      "raw weights", buffers: 2, min(128, perGroup) * kernel.taps, format: kernel.input)
  }

  /// Ones where row and column of the array belong to one group, zeros elsewhere.
  private static func mask(_ kernel: ConvolutionKernel, _ builder: inout KernelBuilder)
    throws(BuilderError) -> Tile
  {
    let (inputs, outputs) = (kernel.inputs / kernel.groups, kernel.outputs / kernel.groups)
    let together = min(128 / inputs, 128 / outputs)
    let mask = try builder.tile("group mask", together * outputs, format: kernel.input)
    let groups = mask.shaped(together, outputs)
    builder.memset(mask, 1, on: .gpsimd)
    builder.affineSelect(
      groups, groups, .greaterEqual, channelMultiplier: 1, steps: [-inputs, 0], onFalse: 0)
    builder.affineSelect(
      groups, groups, .greaterEqual, start: inputs - 1, channelMultiplier: -1,
      steps: [inputs, 0], onFalse: 0)
    return mask
  }

  /// Loads the weights of a step; one tile per tile of input channels.
  mutating func load(
    _ step: ConvolutionStep, on queue: Engine, _ banks: inout BankPool,
    _ builder: inout KernelBuilder
  ) -> [Tile] {
    let bundle = plan.bundles[step.bundle]
    var tiles: [Tile] = []
    for (index, inputs) in bundle.inputTiles.enumerated() {
      let tile = pools[index].next()
      if plan.kernel.weightLayout == .outputsFirst {
        turn(tile, bundle, inputs, step, &banks, &builder)
      } else if plan.packing != nil {
        loadPacked(tile, bundle, step, on: queue, &builder)
      } else {
        loadPlain(tile, bundle, inputs, step, on: queue, &builder)
      }
      tiles.append(tile)
    }
    return tiles
  }

  /// Output channels of a step, counted in the whole tensor.
  private func outputs(_ bundle: ConvolutionBundle, _ step: ConvolutionStep) -> Range<Int> {
    let first = bundle.outputs.lowerBound + step.outputTiles.lowerBound * 128
    return first..<min(bundle.outputs.upperBound, first + step.outputTiles.count * 128)
  }

  /// Where the first row of a bundle's weights lies: rows are counted within a group.
  private func loadPlain(
    _ tile: Tile, _ bundle: ConvolutionBundle, _ inputs: Range<Int>, _ step: ConvolutionStep,
    on queue: Engine, _ builder: inout KernelBuilder
  ) {
    let kernel = plan.kernel
    let columns = outputs(bundle, step)
    let taps = plan.taps.count
    let target = tile.rows(0..<inputs.count).columns(0..<columns.count)
    let row = taps * kernel.outputs
    guard bundle.isDiagonal else {
      builder.load(
        target,
        from: tensor.access(
          offset: inputs.lowerBound * row + columns.lowerBound,
          sizes: [inputs.count, taps, columns.count], strides: [row, kernel.outputs, 1]),
        on: queue)
      return
    }
    let perGroup = kernel.inputs / kernel.groups
    builder.load(
      target,
      from: tensor.access(
        offset: columns.lowerBound,
        sizes: [inputs.count / perGroup, perGroup, taps, columns.count],
        strides: [0, row, kernel.outputs, 1]), on: queue)
    applyMask(target, &builder)
  }

  private func applyMask(_ target: Tile, _ builder: inout KernelBuilder) {
    guard let mask else { return }
    let part = mask[0..<target.partitions, 0..<target.innermost]
    builder.tensorTensor(target, target, part.repeated(plan.taps.count), .multiply)
  }

  /// Each row tap of a group fills its own block of partitions.
  private func loadPacked(
    _ tile: Tile, _ bundle: ConvolutionBundle, _ step: ConvolutionStep, on queue: Engine,
    _ builder: inout KernelBuilder
  ) {
    guard let packing = plan.packing else { return }
    let kernel = plan.kernel
    let axes = plan.volume.axes
    let columns = outputs(bundle, step)
    let count = bundle.inputs.count
    let width = plan.outputTilesPerStep * 128
    for row in 0..<axes[1].kernel {
      let (group, block) = (row / packing.taps, row % packing.taps)
      let target = tile.rows(block * count..<(block + 1) * count).viewed(
        offset: group * axes[2].kernel * width,
        sizes: [axes[0].kernel, axes[2].kernel, columns.count],
        strides: [packing.groups * axes[2].kernel * width, width, 1])
      builder.load(
        target,
        from: tensor.access(
          offset: row * axes[2].kernel * kernel.outputs + columns.lowerBound,
          sizes: [count, axes[0].kernel, axes[2].kernel, columns.count],
          strides: [
            plan.kernel.taps * kernel.outputs, axes[1].kernel * axes[2].kernel * kernel.outputs,
            kernel.outputs, 1,
          ]), on: queue)
    }
  }

  /// Weights that lie [outputs, inputs, taps]: the tensor engine turns each tap's block.
  private mutating func turn(
    _ tile: Tile, _ bundle: ConvolutionBundle, _ inputs: Range<Int>, _ step: ConvolutionStep,
    _ banks: inout BankPool, _ builder: inout KernelBuilder
  ) {
    guard let identity, var pool = raw else { return }
    let kernel = plan.kernel
    let perGroup = kernel.inputs / kernel.groups
    let first = bundle.isDiagonal ? 0 : inputs.lowerBound
    let depth = bundle.isDiagonal ? perGroup : inputs.count
    let all = outputs(bundle, step)
    for piece in pieces(all.count, 128) {
      let source = pool.next()[0..<piece.count, 0..<depth * kernel.taps]
      builder.load(
        source,
        from: tensor.access(
          offset: ((all.lowerBound + piece.lowerBound) * perGroup + first) * kernel.taps,
          sizes: [piece.count, depth * kernel.taps], strides: [perGroup * kernel.taps, 1]))
      for tap in plan.taps {
        let block = self.block(source, tap, bundle, inputs)
        let bank = banks.next(partitions: block.columns, columns: piece.count, turned)
        builder.transpose(bank, block, identity: identity[0..<piece.count, 0..<piece.count])
        builder.copy(
          tile.rows(0..<block.columns).block(tap.index).columns(piece), bank,
          on: tap.index % 2 == 0 ? .vector : .scalar)
      }
    }
    raw = pool
    applyMask(tile.rows(0..<inputs.count).columns(0..<all.count), &builder)
  }

  /// One tap of raw weights as columns: the contraction's rows once it is turned.
  private func block(
    _ source: Tile, _ tap: ConvolutionTap, _ bundle: ConvolutionBundle, _ inputs: Range<Int>
  ) -> Tile {
    let taps = plan.kernel.taps
    let axes = plan.volume.axes
    guard let packing = plan.packing else {
      let perGroup = plan.kernel.inputs / plan.kernel.groups
      return bundle.isDiagonal
        ? source.viewed(
          offset: tap.index, sizes: [inputs.count / perGroup, perGroup], strides: [0, taps])
        : source.viewed(offset: tap.index, sizes: [inputs.count], strides: [taps])
    }
    let row = tap.row * packing.taps
    return source.viewed(
      offset: (tap.plane * axes[1].kernel + row) * axes[2].kernel + tap.column,
      sizes: [min(packing.taps, axes[1].kernel - row), bundle.inputs.count],
      strides: [axes[2].kernel, taps])
  }
}
