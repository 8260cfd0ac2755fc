import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Running sums or products of each row (ONNX CumSum, CumProd).
///
/// Rows on partitions; tensor_tensor_scan carries the result from element to element in fp32, and
/// from one piece of a long row to the next. From the end, rows are read and written backwards;
/// with the element itself left out, results move on by one place.
/// Bound: the vector engine, two cycles per element.
///
/// Parameters in order: x [rows, columns], out [rows, columns].
package struct ScanKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Elements per row.
  package var columns: Int
  /// Products instead of sums.
  package var multiplies: Bool
  /// Leaves the element itself out.
  package var isExclusive: Bool
  /// Starts at the end.
  package var isReversed: Bool
  /// Format of x and out.
  package var format: NumberFormat

  /// Running results of `rows` rows.
  package init(
    rows: Int, columns: Int, multiplies: Bool = false, isExclusive: Bool = false,
    isReversed: Bool = false, format: NumberFormat
  ) {
    self.rows = rows
    self.columns = columns
    self.multiplies = multiplies
    self.isExclusive = isExclusive
    self.isReversed = isReversed
    self.format = format
  }

  package var name: String {
    "running-\(multiplies ? "product" : "sum") \(rows)x\(columns) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [rows, columns], format),
      KernelParameter("out", [rows, columns], format, .output),
    ]
  }

  private static let pieceColumns = 2048

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard rows > 0, columns > 0 else {
      throw unsupported("an empty tensor", allowed: "at least one element")
    }
    try builder.scope { builder throws(BuilderError) in
      let width = min(columns, Self.pieceColumns)
      let neutral: Float = multiplies ? 1 : 0
      let others = try builder.tile("neutral", width, format: .float32)
      builder.memset(others, neutral)
      var inputs = try builder.pool("x", buffers: 3, width, format: format)
      // The column before a piece holds what has been carried on so far.
      var totals = try builder.pool("total", buffers: 2, width + 1, format: .float32)
      var outputs = try builder.pool("out", buffers: 3, width, format: format)
      for tile in pieces(rows, 128) {
        var carried: Tile?
        for piece in pieces(columns, width) {
          let x = inputs.next()[0..<tile.count, 0..<piece.count]
          builder.load(x, from: access(tensors[0], tile, piece))
          let total = totals.next()[0..<tile.count, 0..<piece.count + 1]
          let before = total.columns(0..<1)
          if let carried { builder.copy(before, carried) } else { builder.memset(before, neutral) }
          builder.scan(
            total.columns(1..<piece.count + 1), others[0..<tile.count, 0..<piece.count], x,
            initial: before.pointer, .add, multiplies ? .multiply : .add)
          let out = outputs.next()[0..<tile.count, 0..<piece.count]
          builder.copy(
            out, total.columns(isExclusive ? 0..<piece.count : 1..<piece.count + 1), on: .scalar)
          builder.store(access(tensors[1], tile, piece), from: out, on: .scalar)
          carried = total.columns(piece.count..<piece.count + 1)
        }
      }
    }
  }

  private func access(_ tensor: TensorHandle, _ rows: Range<Int>, _ piece: Range<Int>)
    -> TensorAccess
  {
    let first = isReversed ? columns - 1 - piece.lowerBound : piece.lowerBound
    return tensor.access(
      offset: rows.lowerBound * columns + first, sizes: [rows.count, piece.count],
      strides: [columns, isReversed ? -1 : 1])
  }
}
