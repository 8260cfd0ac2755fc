import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Zeros between the elements of images: out [plane, row · rowStep, column · columnStep] =
/// x [plane, row, column], all others zero.
///
/// Layout: planes on partitions. Results are put together in SBUF, whose zeros stay from the
/// beginning, by copies with steps that vector and scalar engine share, so that transfers are of
/// whole rows. Bound: the DMA, on the larger result.
///
/// Parameters in order: x [planes, rows, columns], out [planes, rows · rowStep, columns ·
/// columnStep].
package struct SpreadKernel: Kernel {
  /// Images × channels.
  package var planes: Int
  /// Rows of a plane.
  package var rows: Int
  /// Columns of a plane.
  package var columns: Int
  /// Rows of the result for each row.
  package var rowStep: Int
  /// Columns of the result for each column.
  package var columnStep: Int
  /// Format of x and out.
  package var format: NumberFormat

  /// Planes that are spread.
  package init(
    planes: Int, rows: Int, columns: Int, rowStep: Int, columnStep: Int, format: NumberFormat
  ) {
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.rowStep = rowStep
    self.columnStep = columnStep
    self.format = format
  }

  package var name: String {
    "spread \(planes)x\(rows)x\(columns) by \(rowStep)x\(columnStep) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [planes, rows, columns], format),
      KernelParameter("out", [planes, rows * rowStep, columns * columnStep], format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard planes > 0, rows > 0, columns > 0, rowStep > 0, columnStep > 0 else {
      throw unsupported("an empty plane", allowed: "at least one element")
    }
    let perRow = columns * rowStep * columnStep
    let limit = min(builder.freeSBUFBytes / 8 / format.sizeBytes, Int(UInt16.max))
    let bands = PlaneBand.all(planes: planes, rows: rows, limit: limit) { $0.count * perRow }
    guard let bands else {
      throw unsupported("rows of \(columns)", allowed: "rows of at most \(limit) results")
    }
    let most = bands.map { $0.planes.perPartition * $0.rows.count }.max() ?? 1
    try builder.scope { builder throws(BuilderError) in
      var inputs = try builder.pool("x", buffers: 3, most * columns, format: format)
      var outputs = try builder.pool("out", buffers: 3, most * perRow, format: format)
      for tile in outputs.tiles { builder.memset(tile, 0, on: .gpsimd) }
      var turn = 0
      builder.pipelined(bands) { builder, band in
        let x = plane(inputs.next(), band, band.rows.count, columns)
        builder.load(
          x.whole, from: band.access(tensors[0], rows: band.rows, height: rows, width: columns))
        return x
      } compute: { builder, band, x in
        let out = plane(
          outputs.next(), band, band.rows.count * rowStep, columns * columnStep)
        turn += 1
        builder.copy(
          out.view(
            rows: Steps(0, band.rows.count, step: rowStep),
            columns: Steps(0, columns, step: columnStep)),
          x.view(rows: x.allRows, columns: x.allColumns), on: turn % 2 == 0 ? .scalar : .vector)
        builder.store(
          band.access(
            tensors[1],
            rows: band.rows.lowerBound * rowStep..<band.rows.upperBound * rowStep,
            height: rows * rowStep, width: columns * columnStep), from: out.whole, on: .scalar)
      }
    }
  }

  private func plane(_ buffer: Tile, _ band: PlaneBand, _ rows: Int, _ columns: Int) -> PlaneTile {
    PlaneTile(
      buffer, partitions: band.planes.partitions, planes: band.planes.perPartition, rows: rows,
      columns: columns)
  }
}
