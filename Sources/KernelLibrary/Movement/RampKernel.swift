package import KernelBuilder
package import NumericFormats

/// The whole numbers 0, 1, 2, … as a tensor: what places are compared with.
///
/// Parameter: out [count].
package struct RampKernel: Kernel {
  /// Numbers.
  package var count: Int
  /// Their format.
  package var format: NumberFormat

  /// The first `count` whole numbers.
  package init(count: Int, format: NumberFormat = .float32) {
    self.count = count
    self.format = format
  }

  package var name: String { "ramp \(count) \(format.name)" }

  package var parameters: [KernelParameter] {
    [KernelParameter("out", [1, count], format, .output)]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      for piece in pieces(count, 4096) {
        let tile = try builder.tile("ramp", partitions: 1, piece.count, format: format)
        builder.iota(tile, start: piece.lowerBound, steps: [1])
        builder.store(tensors[0].block(rows: 0..<1, columns: piece), from: tile)
      }
    }
  }
}
