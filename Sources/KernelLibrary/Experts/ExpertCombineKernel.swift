import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// What each token's experts made of it, added up by their weights: out [t] = Σ weights [t, c] · y
/// [places [t, c]].
///
/// Layout: 128 tokens on partitions. GpSimd gathers a row for each choice; the scalar engine scales
/// the first, the vector engine adds the others, in fp32.
/// Bound: the vector engine, a pass over a row for each choice after the first, or GpSimd's
/// descriptors.
///
/// Parameters in order: y [slots, D], places [T, chosen] uint32, weights [T, chosen] fp32, out [T,
/// D].
package struct ExpertCombineKernel: Kernel {
  /// Tokens: T.
  package var tokens: Int
  /// Experts of each token.
  package var chosen: Int
  /// Rows that choices name.
  package var slots: Int
  /// Width of the model: D.
  package var width: Int
  /// Format of y and out.
  package var format: NumberFormat

  /// The sums of a layer's tokens.
  package init(_ layer: ExpertLayerKernel, slots: Int) {
    tokens = layer.tokens
    chosen = layer.chosen
    self.slots = slots
    width = layer.width
    format = layer.format
  }

  /// Bytes of a partition for each column: four rows and two results of 16 bits, two sums in fp32.
  static let bytesPerColumn = 4 * 2 + 2 * 2 + 2 * 4

  package var name: String {
    "expert-combine \(tokens)x\(width) from \(chosen) of \(slots) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("y", [slots, width], format),
      KernelParameter("places", [tokens, chosen], .uint32),
      KernelParameter("weights", [tokens, chosen], .float32),
      KernelParameter("out", [tokens, width], format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      var places = try builder.pool("places", buffers: 2, chosen, format: .uint32)
      var weights = try builder.pool("weights", buffers: 2, chosen, format: .float32)
      var sums = try builder.pool("sums", buffers: 2, width, format: .float32)
      var outputs = try builder.pool("out", buffers: 2, width, format: format)
      let buffers = gatherBuffers(
        rowBytes: width * format.sizeBytes, freeBytes: builder.freeSBUFBytes)
      var rows = try builder.pool("rows", buffers: buffers, width, format: format)
      for tile in pieces(tokens, 128) {
        let count = 0..<tile.count
        let (place, weight) = (places.next().rows(count), weights.next().rows(count))
        builder.load(place, from: tensors[1].rows(tile))
        builder.load(weight, from: tensors[2].rows(tile), on: .scalar)
        let (sum, out) = (sums.next().rows(count), outputs.next().rows(count))
        for choice in 0..<chosen {
          let column = choice..<choice + 1
          let row = rows.next().rows(count)
          builder.gather(row, rowsOf: tensors[0], index: place.columns(column))
          let target = choice == chosen - 1 ? out : sum
          let scale = weight.columns(column).pointer
          if choice == 0 {
            builder.activation(target, .copy, row, scale: scale)
          } else {
            builder.scalarTensorTensor(target, row, .multiply, scale, .add, sum)
          }
        }
        builder.store(tensors[3].rows(tile), from: out)
      }
    }
  }
}
