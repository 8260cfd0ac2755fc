import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// The norm of few long rows, each spread over all partitions.
///
/// Partition p holds `columns` / 128 consecutive elements of each row. Every partition sums its own
/// squares; a product with ones adds the sums of all partitions up and hands the total to each.
/// Bound: the way of the data, one transfer in and one out.
extension RMSNormKernel {
  /// Rows that would leave most partitions without work, and long enough to be cut.
  package var isSpread: Bool { rows <= 8 && columns % 128 == 0 && columns >= 1_024 }

  /// Emits the norm of rows that are spread.
  func emitSpread(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let part = columns / 128
    let ones = try builder.tile("ones", 128, format: .float32)
    builder.memset(ones, 1)
    let gamma = try builder.tile("gamma", part, format: format)
    builder.load(
      gamma,
      from: tensors[hasAddend ? 2 : 1].access(
        offset: 0, sizes: [128, part], strides: [part, 1]), on: .scalar)
    var x = try builder.tile("x", rows, part, format: format)
    builder.load(x, from: spread(tensors[0], part))
    if hasAddend {
      let addend = try builder.tile("addend", rows, part, format: format)
      builder.load(addend, from: spread(tensors[1], part), on: .scalar)
      // The norm is that of the sum as it is stored.
      let sum = try builder.tile("sum", rows, part, format: format)
      builder.tensorTensor(sum, x, addend, .add)
      builder.store(spread(tensors[3], part), from: sum, on: .scalar)
      x = sum
    }
    let out = try builder.tile("out", rows, part, format: format)
    // The squares themselves are not wanted; only their sums are.
    let squares = try builder.tile("squares", part, format: .bfloat16)
    let sums = try builder.tile("sums", rows, format: .float32)
    for row in 0..<rows {
      builder.activation(squares, .square, x.block(row), sum: sums.columns(row..<row + 1))
    }
    var banks = try builder.banks("total", buffers: 1)
    let total = banks.next(columns: rows)
    builder.matmul(total, stationary: ones, moving: sums)
    let scales = try builder.tile("scales", rows, format: .float32)
    builder.activation(
      scales, .rsqrt, total, scale: .immediate(1 / Float(columns)), bias: .immediate(epsilon))
    for row in 0..<rows {
      builder.scalarTensorTensor(
        out.block(row), x.block(row), .multiply, scales.columns(row..<row + 1).pointer, .multiply,
        gamma)
    }
    builder.store(spread(tensors[tensors.count - 1], part), from: out)
  }

  /// All rows: partition, row, column.
  private func spread(_ tensor: TensorHandle, _ part: Int) -> TensorAccess {
    tensor.access(offset: 0, sizes: [128, rows, part], strides: [part, columns, 1])
  }
}
