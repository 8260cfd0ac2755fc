package import KernelBuilder
package import NumericFormats

/// The gradient of a bias: out [N] = Σ over rows of dy [T, N].
///
/// The sum over partitions is a product with a column of ones, accumulated in PSUM over tiles of
/// rows. Bound: the DMA, which reads dy once.
///
/// Parameters in order: dy [rows, columns], out [columns] in fp32.
package struct BiasGradientKernel: Kernel {
  /// Rows that are summed.
  package var rows: Int
  /// Columns.
  package var columns: Int
  /// Format of dy.
  package var format: NumberFormat

  /// The sum of the rows of a [rows, columns] tensor.
  package init(rows: Int, columns: Int, format: NumberFormat = .bfloat16) {
    self.rows = rows
    self.columns = columns
    self.format = format
  }

  package var name: String { "bias-gradient \(rows)x\(columns) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("dy", [rows, columns], format),
      KernelParameter("out", [1, columns], .float32, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      // Four banks are summed while the other four are emptied.
      let width = min(columns, 4 * 512)
      let ones = try builder.tile("ones", 1, format: format)
      builder.memset(ones, 1)
      var inputs = try builder.pool("dy", buffers: 4, width, format: format)
      var sums = try builder.pool("sum", buffers: 2, partitions: 1, width, format: .float32)
      var banks = try builder.banks("sum", buffers: 8)
      for range in pieces(columns, width) {
        let cuts = pieces(range.count, 512)
        let open = cuts.map { banks.next(partitions: 1, columns: $0.count) }
        for tile in pieces(rows, 128) {
          let dy = inputs.next()[0..<tile.count, 0..<range.count]
          builder.load(dy, from: tensors[0].block(rows: tile, columns: range))
          for (cut, bank) in zip(cuts, open) {
            builder.matmul(
              bank, stationary: ones.rows(0..<tile.count), moving: dy.columns(cut),
              accumulates: tile.lowerBound > 0)
          }
        }
        let sum = sums.next().columns(0..<range.count)
        for (cut, bank) in zip(cuts, open) { builder.copy(sum.columns(cut), bank) }
        builder.store(tensors[1].block(rows: 0..<1, columns: range), from: sum)
      }
    }
  }
}
