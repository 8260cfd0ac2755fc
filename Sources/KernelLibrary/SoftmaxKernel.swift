import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Softmax over the last axis: out [rows, columns] = exp(x − max) / Σ.
///
/// Layout: rows on partitions, several rows per partition when they are short. fp32 inside.
/// Per element: one pass of the vector engine for the maximum, one of the scalar engine for the
/// exponential (which sums as it goes), one of the vector engine for the division.
/// Bound: the vector engine, about 1.5 cycles per element; the DMA when rows are short.
///
/// Parameters in order: x, out.
package struct SoftmaxKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Elements per row; a row of one partition must fit SBUF.
  package var columns: Int
  /// Format of x and out.
  package var format: NumberFormat

  /// Softmax of a [rows, columns] tensor.
  package init(rows: Int, columns: Int, format: NumberFormat = .bfloat16) {
    self.rows = rows
    self.columns = columns
    self.format = format
  }

  package var name: String { "softmax \(rows)x\(columns) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [rows, columns], format),
      KernelParameter("out", [rows, columns], format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      let tiles = RowTile.tiles(rows, rowBytes: columns * format.sizeBytes)
      let most = tiles.map(\.perPartition).max() ?? 1
      var inputs = try builder.pool("x", buffers: 2, most, columns, format: format)
      var exponentials = try builder.pool("exp", buffers: 2, most, columns, format: .float32)
      var outputs = try builder.pool("out", buffers: 2, most, columns, format: format)
      var statistics = try builder.pool("statistics", buffers: 3, 3 * most, format: .float32)
      for tile in tiles {
        let x = tile.view(inputs.next())
        builder.load(x, from: tile.access(tensors[0]))
        let out = tile.view(outputs.next())
        emit(
          x, to: out, tile.view(exponentials.next()),
          statistics.next().rows(0..<tile.partitions), count: tile.perPartition, &builder)
        builder.store(tile.access(tensors[1]), from: out)
      }
    }
  }

  /// Softmax of every row of a tile [rows per partition, columns].
  private func emit(
    _ x: Tile, to out: Tile, _ exponentials: Tile, _ statistics: Tile, count: Int,
    _ builder: inout KernelBuilder
  ) {
    let maxima = statistics.columns(0..<count)
    let sums = statistics.columns(count..<2 * count)
    let inverses = statistics.columns(2 * count..<3 * count)
    builder.tensorReduce(maxima, x, .max, negate: true)
    for row in 0..<count {
      builder.activation(
        exponentials.block(row), .exp, x.block(row),
        bias: maxima.columns(row..<row + 1).pointer, sum: sums.columns(row..<row + 1))
    }
    builder.reciprocal(inverses, sums)
    for row in 0..<count {
      builder.tensorScalar(
        out.block(row), exponentials.block(row), .multiply,
        inverses.columns(row..<row + 1).pointer)
    }
  }
}
