import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Softmax over the last axis: out [rows, columns] = exp(x − max) / Σ.
///
/// Layout: rows on partitions, several rows per partition when they are short. fp32 inside.
/// Per element: one pass of the vector engine for the maximum, one of the scalar engine for the
/// exponential (which sums as it goes), one for the division, which both share.
/// Bound: the DMA; the vector and scalar engines come close, at about 1.3 and 1.5 cycles per
/// element.
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
      var inputs = try builder.pool("x", buffers: 3, most, columns, format: format)
      var exponentials = try builder.pool("exp", buffers: 3, most, columns, format: .float32)
      var outputs = try builder.pool("out", buffers: 2, most, columns, format: format)
      var statistics = try builder.pool("statistics", buffers: 4, 3 * most, format: .float32)
      var previous: Stage?
      builder.pipelined(tiles) { builder, tile in
        let x = tile.view(inputs.next())
        builder.load(x, from: tile.access(tensors[0]))
        return x
      } compute: { builder, tile, x in
        let current = Stage(
          tile: tile, exponentials: tile.view(exponentials.next()),
          statistics: statistics.next().rows(0..<tile.partitions))
        emitExponentials(x, current, &builder)
        // The division of the tile before: its sums are there, the vector engine need not wait.
        if let previous { emitDivision(previous, outputs.next(), tensors[1], &builder) }
        previous = current
      }
      if let previous { emitDivision(previous, outputs.next(), tensors[1], &builder) }
    }
  }

  /// A tile of rows between its two stages.
  private struct Stage {
    var tile: RowTile
    var exponentials: Tile
    var statistics: Tile

    func column(_ index: Int) -> Tile {
      let count = tile.perPartition
      return statistics.columns(index * count..<(index + 1) * count)
    }
  }

  /// Exponentials and sums of every row of a tile [rows per partition, columns].
  private func emitExponentials(_ x: Tile, _ stage: Stage, _ builder: inout KernelBuilder) {
    let maxima = stage.column(0)
    let sums = stage.column(1)
    builder.tensorReduce(maxima, x, .max, negate: true)
    for row in 0..<stage.tile.perPartition {
      builder.activation(
        stage.exponentials.block(row), .exp, x.block(row),
        bias: maxima.columns(row..<row + 1).pointer, sum: sums.columns(row..<row + 1))
    }
  }

  private func emitDivision(
    _ stage: Stage, _ output: Tile, _ tensor: TensorHandle, _ builder: inout KernelBuilder
  ) {
    let out = stage.tile.view(output)
    let inverses = stage.column(2)
    builder.reciprocal(inverses, stage.column(1))
    for row in 0..<stage.tile.perPartition {
      let inverse = inverses.columns(row..<row + 1).pointer
      // Of one long row each engine takes a part, of several short ones whole rows.
      let half = stage.tile.perPartition > 1 ? row % 2 * columns : columns / 2
      if half > 0 {
        builder.tensorScalar(
          out.block(row).columns(0..<half), stage.exponentials.block(row).columns(0..<half),
          .multiply, inverse)
      }
      if half < columns {
        builder.activation(
          out.block(row).columns(half..<columns), .identity,
          stage.exponentials.block(row).columns(half..<columns), scale: inverse)
      }
    }
    builder.store(stage.tile.access(tensor), from: out)
  }
}
