import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Batch norm with given moments: out = activation((x − mean) / √(variance + epsilon) · gamma +
/// beta), one of each per channel.
///
/// Layout: channels on partitions; scale and shift are worked out once per tile of channels, then
/// one pass of the vector and scalar engines in turn.
/// Bound: the DMA.
///
/// Parameters in order: x, gamma, beta, mean, variance fp32 [channels, 1] each, out.
package struct ChannelScaleKernel: Kernel {
  /// Images.
  package var batch: Int
  /// Channels.
  package var channels: Int
  /// Places of an image.
  package var places: Int
  /// How x and out lie in HBM.
  package var layout: ConvolutionKernel.ActivationLayout
  /// Is added to the variance.
  package var epsilon: Float
  /// True when negative results become zero.
  package var rectifies = false
  /// Format of x and out.
  package var format: NumberFormat

  /// A batch norm.
  package init(
    batch: Int, channels: Int, places: Int,
    layout: ConvolutionKernel.ActivationLayout = .channelsFirst, epsilon: Float = 1e-5,
    format: NumberFormat = .bfloat16
  ) {
    self.batch = batch
    self.channels = channels
    self.places = places
    self.layout = layout
    self.epsilon = epsilon
    self.format = format
  }

  package var name: String { "batch-norm \(batch)x\(channels)x\(places) \(format.name)" }

  package var parameters: [KernelParameter] {
    let shape =
      layout == .channelsFirst ? [channels, batch, places] : [batch, channels, places]
    return [KernelParameter("x", shape, format)]
      + ["gamma", "beta", "mean", "variance"].map {
        KernelParameter($0, [channels, 1], .float32)
      } + [KernelParameter("out", shape, format, .output)]
  }

  /// Elements per partition of one piece.
  private static let pieceColumns = 4096

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard batch > 0, channels > 0, places > 0 else {
      throw unsupported("an empty tensor", allowed: "at least one element")
    }
    try builder.scope { builder throws(BuilderError) in
      let run = layout == .channelsFirst ? batch * places : places
      let images = layout == .channelsFirst ? 1 : batch
      let tiles = pieces(channels, 128)
      var lines = try builder.pool("line", buffers: tiles.count, 8, format: .float32)
      let columns = min(run, Self.pieceColumns)
      var inputs = try builder.pool("x", buffers: 3, columns, format: format)
      var outputs = try builder.pool("out", buffers: 3, columns, format: format)
      var turn = 0
      for tile in tiles {
        let line = lines.next().rows(0..<tile.count)
        emitLine(line, tile, tensors, &builder)
        let parts = (0..<images).flatMap { image in
          pieces(run, columns).map { (image: image, part: $0) }
        }
        func access(_ tensor: TensorHandle, _ item: (image: Int, part: Range<Int>)) -> TensorAccess
        {
          tensor.access(
            offset: item.image * channels * places + tile.lowerBound * run + item.part.lowerBound,
            sizes: [tile.count, item.part.count], strides: [run, 1])
        }
        builder.pipelined(parts) { builder, item in
          let x = inputs.next()[0..<tile.count, 0..<item.part.count]
          builder.load(x, from: access(tensors[0], item))
          return x
        } compute: { builder, item, x in
          let out = outputs.next()[0..<tile.count, 0..<item.part.count]
          turn += 1
          apply(out, x, line, onScalar: turn % 2 == 0, &builder)
          builder.store(access(tensors[5], item), from: out)
        }
      }
    }
  }

  /// Columns 6 and 7 of the line become scale and shift.
  private func emitLine(
    _ line: Tile, _ channels: Range<Int>, _ tensors: [TensorHandle],
    _ builder: inout KernelBuilder
  ) {
    func column(_ index: Int) -> Tile { line.columns(index..<index + 1) }
    for index in 0..<4 {
      builder.load(column(index), from: tensors[1 + index].rows(channels), on: .scalar)
    }
    builder.activation(column(4), .rsqrt, column(3), bias: .immediate(epsilon))
    builder.tensorTensor(column(6), column(4), column(0), .multiply)
    builder.tensorTensor(column(5), column(2), column(6), .multiply)
    builder.tensorTensor(column(7), column(1), column(5), .subtract)
  }

  private func apply(
    _ out: Tile, _ x: Tile, _ line: Tile, onScalar: Bool, _ builder: inout KernelBuilder
  ) {
    let (scale, shift) = (line.columns(6..<7), line.columns(7..<8))
    if onScalar {
      builder.activation(
        out, rectifies ? .relu : .identity, x, scale: scale.pointer, bias: shift.pointer)
    } else {
      builder.tensorScalar(out, x, .multiply, scale.pointer, .add, shift.pointer)
      if rectifies { builder.tensorScalar(out, out, .max, .immediate(0)) }
    }
  }
}
