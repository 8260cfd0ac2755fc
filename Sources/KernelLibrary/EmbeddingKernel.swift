import Hardware
package import KernelBuilder
package import NumericFormats

/// Embedding look-up: out [i] = table [index[i]].
///
/// GpSimd reads 128 row numbers at a time and builds a descriptor per row; the rows go through
/// SBUF.
/// Bound: GpSimd's descriptors for short rows, the DMA for long ones. A row number beyond the table
/// leaves its output row undefined.
///
/// Parameters in order: index [count] uint32, table [rows, columns], out [count, columns].
package struct EmbeddingKernel: Kernel {
  /// Rows that are looked up.
  package var count: Int
  /// Rows of the table.
  package var rows: Int
  /// Elements per row.
  package var columns: Int
  /// Format of table and out.
  package var format: NumberFormat

  /// `count` rows of a [rows, columns] table.
  package init(count: Int, rows: Int, columns: Int, format: NumberFormat = .bfloat16) {
    self.count = count
    self.rows = rows
    self.columns = columns
    self.format = format
  }

  package var name: String { "embedding \(count) of \(rows)x\(columns) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("index", [count, 1], .uint32),
      KernelParameter("table", [rows, columns], format),
      KernelParameter("out", [count, columns], format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      let tiles = pieces(count, 128)
      let indices = try builder.tile("index", tiles.count, format: .uint32)
      for (position, tile) in tiles.enumerated() {
        builder.load(
          indices[0..<tile.count, position..<position + 1], from: tensors[0].rows(tile),
          on: position % 2 == 0 ? .sync : .scalar)
      }
      let buffers = gatherBuffers(
        rowBytes: columns * format.sizeBytes, freeBytes: builder.freeSBUFBytes)
      var outputs = try builder.pool("rows", buffers: buffers, columns, format: format)
      for (position, tile) in tiles.enumerated() {
        let out = outputs.next().rows(0..<tile.count)
        builder.gather(
          out, rowsOf: tensors[1], index: indices[0..<tile.count, position..<position + 1])
        builder.store(tensors[2].rows(tile), from: out)
      }
    }
  }
}
