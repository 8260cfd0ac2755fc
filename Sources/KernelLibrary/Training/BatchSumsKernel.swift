import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// The sums of a batch normalisation's gradient: for each channel Σ dY and
/// Σ dY · (X − mean) / √(variance + epsilon).
///
/// Layout: channels on partitions, a channel's elements in parts. The vector engine multiplies dY
/// by the centred X, the scalar engine adds up both, with its accumulators. Bound: the scalar
/// engine, two passes.
///
/// Parameters in order: dY, x [channels, elements], moments [2, channels] fp32, sums [2, channels]
/// fp32.
package struct BatchSumsKernel: Kernel {
  /// Channels.
  package var channels: Int
  /// Elements of a channel.
  package var elements: Int
  /// Is added to the variance.
  package var epsilon: Float
  /// Format of dY.
  package var gradient: NumberFormat
  /// Format of x.
  package var format: NumberFormat

  /// The sums over `channels` rows of `elements`.
  package init(
    channels: Int, elements: Int, epsilon: Float, gradient: NumberFormat, format: NumberFormat
  ) {
    self.channels = channels
    self.elements = elements
    self.epsilon = epsilon
    self.gradient = gradient
    self.format = format
  }

  package var name: String {
    "batch-sums \(channels)x\(elements) \(gradient.name) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("dy", [channels, elements], gradient),
      KernelParameter("x", [channels, elements], format),
      KernelParameter("moments", [2 * channels, 1], .float32),
      KernelParameter("sums", [2 * channels, 1], .float32, .output),
    ]
  }

  /// Elements of a part.
  private static let partColumns = 4_096

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard channels > 0, elements > 0, elements / Self.partColumns < 1 << 12 else {
      throw unsupported("\(channels)x\(elements)", allowed: "1 to 16 million elements")
    }
    let parts = pieces(elements, Self.partColumns)
    let width = min(elements, Self.partColumns)
    try builder.scope { builder throws(BuilderError) in
      var slopes = try builder.pool("dy", buffers: 4, width, format: gradient)
      var inputs = try builder.pool("x", buffers: 4, width, format: format)
      var products = try builder.pool("product", buffers: 3, width, format: .float32)
      let unused = try builder.tile("unused", width, format: .bfloat16)
      var partial = try builder.pool("parts", buffers: 2, 2 * parts.count, format: .float32)
      var columns = try builder.pool("columns", buffers: 2, 6, format: .float32)
      for tile in pieces(channels, 128) {
        let own = 0..<tile.count
        let state = columns.next().rows(own)
        for half in 0..<2 {
          builder.load(
            state.columns(half..<half + 1), from: tensors[2].rows(rows(half, tile)), on: .scalar)
        }
        let sums = partial.next().rows(own)
        let mean = state.columns(0..<1)
        var index = 0
        builder.pipelined(parts, ahead: 3) { builder, part in
          let slope = slopes.next()[own, 0..<part.count]
          let x = inputs.next()[own, 0..<part.count]
          builder.load(slope, from: tensors[0].block(rows: tile, columns: part))
          builder.load(x, from: tensors[1].block(rows: tile, columns: part), on: .scalar)
          return (slope, x)
        } compute: { builder, part, loaded in
          let product = products.next()[own, 0..<part.count]
          builder.scalarTensorTensor(
            product, loaded.1, .subtract, mean.pointer, .multiply, loaded.0)
          let spare = unused[own, 0..<part.count]
          builder.activation(
            spare, .copy, loaded.0, sum: sums.columns(index..<index + 1))
          let second = parts.count + index
          builder.activation(spare, .copy, product, sum: sums.columns(second..<second + 1))
          index += 1
        }
        finish(tile, sums, state, parts.count, tensors[3], &builder)
      }
    }
  }

  private func rows(_ half: Int, _ tile: Range<Int>) -> Range<Int> {
    half * channels + tile.lowerBound..<half * channels + tile.upperBound
  }

  /// Joins the parts, divides the second sum by the deviation and stores both.
  private func finish(
    _ tile: Range<Int>, _ sums: Tile, _ state: Tile, _ count: Int, _ out: TensorHandle,
    _ builder: inout KernelBuilder
  ) {
    let (plain, weighted) = (state.columns(2..<3), state.columns(3..<4))
    builder.tensorReduce(plain, sums.columns(0..<count), .add)
    builder.tensorReduce(weighted, sums.columns(count..<2 * count), .add)
    let deviation = state.columns(4..<5)
    builder.activation(
      deviation, .sqrt, state.columns(1..<2), bias: .immediate(epsilon))
    builder.tensorTensor(weighted, weighted, deviation, .divide)
    builder.store(out.rows(rows(0, tile)), from: plain, on: .scalar)
    builder.store(out.rows(rows(1, tile)), from: weighted, on: .scalar)
  }
}
