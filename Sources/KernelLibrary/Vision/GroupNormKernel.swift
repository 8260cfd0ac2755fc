import CoreState
import Hardware
package import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Group norm of images: out = activation((x − mean) / √(variance + epsilon) · gamma + beta),
/// moments over the channels of a group and all places of an image.
///
/// Layout: channels on partitions, whole groups in each tile of them. bn_stats and bn_aggr give
/// each channel's moments; the tensor engine joins the channels of a group, as a product with a
/// block-diagonal matrix of equal shares, and hands the group's moments to each of its channels at
/// once. One pass of the scalar engine then normalises, scales and applies the activation. Places
/// that do not fit SBUF are read twice. Bound: the DMA; the vector engine's statistics, one cycle
/// per element, come next.
///
/// Parameters in order: x, gamma fp32 [channels, 1], beta fp32 [channels, 1], out.
package struct GroupNormKernel: Kernel {
  /// Images.
  package var batch: Int
  /// Channels.
  package var channels: Int
  /// Groups of channels that share moments.
  package var groups: Int
  /// Places of an image.
  package var places: Int
  /// How x and out lie in HBM.
  package var layout: ConvolutionKernel.ActivationLayout
  /// Is added to the variance.
  package var epsilon: Float
  /// Is applied last.
  package var activation: ActivationFunction?
  /// Format of x and out.
  package var format: NumberFormat

  /// A norm without an activation.
  package init(
    batch: Int, channels: Int, groups: Int, places: Int,
    layout: ConvolutionKernel.ActivationLayout = .channelsFirst, epsilon: Float = 1e-5,
    format: NumberFormat = .bfloat16
  ) {
    self.batch = batch
    self.channels = channels
    self.groups = groups
    self.places = places
    self.layout = layout
    self.epsilon = epsilon
    self.format = format
  }

  package var name: String {
    "group-norm \(batch)x\(channels)x\(places) in \(groups) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    let shape =
      layout == .channelsFirst ? [channels, batch, places] : [batch, channels, places]
    return [
      KernelParameter("x", shape, format), KernelParameter("gamma", [channels, 1], .float32),
      KernelParameter("beta", [channels, 1], .float32),
      KernelParameter("out", shape, format, .output),
    ]
  }

  /// Elements that one bn_stats takes.
  private static let statisticsColumns = 512

  /// Some channels of one image.
  private struct Item: Hashable {
    var image: Int
    var channels: Range<Int>
    var parts: [Range<Int>]
    /// All parts stay in SBUF until they are normalised.
    var isWhole: Bool
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let perGroup = channels / max(1, groups)
    guard batch > 0, groups > 0, channels % groups == 0, places > 0, perGroup <= 128 else {
      throw unsupported(
        "\(channels) channels in \(groups) groups", allowed: "equal groups of 1 to 128 channels")
    }
    let perTile = 128 / perGroup * perGroup
    try builder.scope { builder throws(BuilderError) in
      // 1 / channels of a group where row and column belong to one group.
      let shares = try builder.blockDiagonal(
        "shares", perTile, block: perGroup, of: 1 / Float(perGroup))
      let room = (builder.freeSBUFBytes - (16 << 10)) / 5 / format.sizeBytes
      let part = min(places, max(Self.statisticsColumns, room), (1 << 16) - 1)
      let parts = pieces(places, part)
      var items: [Item] = []
      for channels in pieces(channels, perTile) {
        for image in 0..<batch {
          items.append(
            Item(image: image, channels: channels, parts: parts, isWhole: parts.count == 1))
        }
      }
      let state = try State(self, part: part, shares: shares, &builder)
      try emit(items, state, into: &builder, tensors)
    }
  }

  /// Tiles that the items share.
  private struct State {
    var shares: Tile
    var inputs: TilePool
    var outputs: TilePool
    var statistics: TilePool
    var moments: TilePool
    var parameters: TilePool
    var banks: BankPool

    init(
      _ kernel: GroupNormKernel, part: Int, shares: Tile, _ builder: inout KernelBuilder
    ) throws(BuilderError) {
      self.shares = shares
      inputs = try builder.pool("x", buffers: 3, part, format: kernel.format)
      outputs = try builder.pool("out", buffers: 2, part, format: kernel.format)
      statistics = try builder.pool(
        "statistics", buffers: 2, 6 * ceilDivide(part, statisticsColumns), format: .float32)
      moments = try builder.pool("moments", buffers: 4, 12, format: .float32)
      parameters = try builder.pool("parameters", buffers: 3, 2, format: .float32)
      banks = try builder.banks("group moments", buffers: 2)
    }
  }

  private func emit(
    _ items: [Item], _ initial: State, into builder: inout KernelBuilder,
    _ tensors: [TensorHandle]
  ) throws(BuilderError) {
    var state = initial
    builder.pipelined(items, ahead: items.allSatisfy(\.isWhole) ? 2 : 0) {
      builder, item -> (Tile, Tile?) in
      let parameters = state.parameters.next().rows(0..<item.channels.count)
      for (column, tensor) in [tensors[1], tensors[2]].enumerated() {
        builder.load(
          parameters.columns(column..<column + 1), from: tensor.rows(item.channels), on: .scalar)
      }
      guard item.isWhole else { return (parameters, nil) }
      return (parameters, load(item, item.parts[0], &state, tensors[0], &builder))
    } compute: { builder, item, loaded in
      let work = state.moments.next().rows(0..<item.channels.count)
      for part in item.parts {
        let x = loaded.1 ?? load(item, part, &state, tensors[0], &builder)
        addMoments(x, part, work, &state, &builder)
      }
      let line = emitMoments(item, work, loaded.0, &state, &builder)
      for part in item.parts {
        let x = loaded.1 ?? load(item, part, &state, tensors[0], &builder)
        let out = state.outputs.next()[0..<item.channels.count, 0..<part.count]
        builder.activation(
          out, activation ?? .identity, x, scale: line.scale.pointer, bias: line.shift.pointer)
        builder.store(access(tensors[3], item, part), from: out, on: .sync)
      }
    }
  }

  private func access(_ tensor: TensorHandle, _ item: Item, _ part: Range<Int>) -> TensorAccess {
    let (channel, image) =
      layout == .channelsFirst ? (batch * places, places) : (places, channels * places)
    return tensor.access(
      offset: item.channels.lowerBound * channel + item.image * image + part.lowerBound,
      sizes: [item.channels.count, part.count], strides: [channel, 1])
  }

  private func load(
    _ item: Item, _ part: Range<Int>, _ state: inout State, _ tensor: TensorHandle,
    _ builder: inout KernelBuilder
  ) -> Tile {
    let x = state.inputs.next()[0..<item.channels.count, 0..<part.count]
    builder.load(x, from: access(tensor, item, part))
    return x
  }

  /// Mean and variance of a part into columns 0 and 1 of `work`, or those so far joined with it:
  /// the parts' variances, and how far their means lie apart. Squares of means would cancel.
  private func addMoments(
    _ x: Tile, _ part: Range<Int>, _ work: Tile, _ state: inout State,
    _ builder: inout KernelBuilder
  ) {
    let statistics = state.statistics.next().rows(0..<work.partitions)
    let cuts = pieces(x.columns, Self.statisticsColumns)
    for (index, range) in cuts.enumerated() {
      builder.batchNormStatistics(
        statistics.columns(6 * index..<6 * index + 6), x.columns(range))
    }
    let all = statistics.columns(0..<6 * cuts.count)
    guard part.lowerBound > 0 else { return builder.batchNormAggregate(work.columns(0..<2), all) }
    func column(_ index: Int) -> Tile { work.columns(index..<index + 1) }
    builder.batchNormAggregate(work.columns(2..<4), all)
    let share = Float(part.count) / Float(part.upperBound)
    let (mean, variance, distance) = (column(0), column(1), column(4))
    builder.tensorTensor(distance, column(2), mean, .subtract)
    builder.scalarTensorTensor(mean, distance, .multiply, .immediate(share), .add, mean)
    builder.tensorTensor(distance, distance, distance, .multiply)
    builder.tensorScalar(variance, variance, .multiply, .immediate(1 - share))
    builder.scalarTensorTensor(
      variance, column(3), .multiply, .immediate(share), .add, variance)
    builder.scalarTensorTensor(
      variance, distance, .multiply, .immediate(share * (1 - share)), .add, variance)
  }

  /// scale and shift per channel, so that out = scale · x + shift. The mean of a group is that of
  /// its channels' means; its variance that of their variances and squared distances to the mean.
  private func emitMoments(
    _ item: Item, _ work: Tile, _ parameters: Tile, _ state: inout State,
    _ builder: inout KernelBuilder
  ) -> (scale: Tile, shift: Tile) {
    let rows = 0..<item.channels.count
    func column(_ index: Int) -> Tile { work.columns(index..<index + 1) }
    func shared(_ values: Tile, into result: Tile) {
      let bank = state.banks.next(partitions: rows.count, columns: 1)
      builder.matmul(bank, stationary: state.shares[rows, rows], moving: values)
      builder.copy(result, bank)
    }
    var (mean, square) = (column(0), column(1))
    if channels > groups {
      shared(mean, into: column(5))
      builder.tensorTensor(column(7), mean, column(5), .subtract)
      builder.tensorTensor(column(7), column(7), column(7), .multiply)
      builder.tensorTensor(column(7), column(7), square, .add)
      shared(column(7), into: column(6))
      (mean, square) = (column(5), column(6))
    }
    builder.activation(column(8), .rsqrt, square, bias: .immediate(epsilon))
    builder.tensorTensor(column(9), column(8), parameters.columns(0..<1), .multiply)
    builder.tensorTensor(column(10), mean, column(9), .multiply)
    builder.tensorTensor(column(11), parameters.columns(1..<2), column(10), .subtract)
    return (column(9), column(11))
  }
}
