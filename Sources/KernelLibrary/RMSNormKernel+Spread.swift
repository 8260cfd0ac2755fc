import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// The norm of few long rows, each spread over as many partitions as there are for it.
///
/// A row lies on 2ⁿ partitions next to each other, consecutive elements on each, so that the rows
/// together are one piece of memory. Every partition sums its own squares; a product with ones
/// where two partitions hold the same row adds the sums up and hands the total to each.
/// Bound: the way of the data, one transfer in and one out.
extension RMSNormKernel {
  /// The most rows that are spread.
  private static let mostRows = 64

  /// Partitions of one row.
  private var partitionsPerRow: Int {
    var count = 128
    while count * rows > 128 { count /= 2 }
    return count
  }

  /// Rows that would leave most partitions without work, and long enough to be cut.
  package var isSpread: Bool {
    rows <= Self.mostRows && columns % 128 == 0 && columns >= 1_024
  }

  /// Emits the norm of rows that are spread.
  func emitSpread(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let (pieces, part) = (partitionsPerRow, columns / partitionsPerRow)
    let partitions = rows * pieces
    // Ones where two partitions hold the same row.
    let sameRow = try builder.blockDiagonal("same row", partitions, block: pieces, of: 1)
    let gamma = try builder.tile("gamma", partitions: partitions, part, format: format)
    builder.load(
      gamma,
      from: tensors[hasAddend ? 2 : 1].access(
        offset: 0, sizes: [rows, pieces, part], strides: [0, part, 1]), on: .scalar)
    let flat = { (tensor: TensorHandle) in
      tensor.access(offset: 0, sizes: [partitions, part], strides: [part, 1])
    }
    var x = try builder.tile("x", partitions: partitions, part, format: format)
    builder.load(x, from: flat(tensors[0]))
    if hasAddend {
      let addend = try builder.tile("addend", partitions: partitions, part, format: format)
      builder.load(addend, from: flat(tensors[1]), on: .scalar)
      // The norm is that of the sum as it is stored.
      let sum = try builder.tile("sum", partitions: partitions, part, format: format)
      builder.tensorTensor(sum, x, addend, .add)
      builder.store(flat(tensors[3]), from: sum, on: .scalar)
      x = sum
    }
    let out = try builder.tile("out", partitions: partitions, part, format: format)
    // The squares themselves are not wanted; only their sums are.
    let squares = try builder.tile("squares", partitions: partitions, part, format: .bfloat16)
    let sums = try builder.tile("sums", partitions: partitions, 1, format: .float32)
    builder.activation(squares, .square, x, sum: sums)
    var banks = try builder.banks("total", buffers: 1)
    let total = banks.next(partitions: partitions, columns: 1)
    builder.matmul(total, stationary: sameRow, moving: sums)
    let scale = try builder.tile("scale", partitions: partitions, 1, format: .float32)
    builder.activation(
      scale, .rsqrt, total, scale: .immediate(1 / Float(columns)), bias: .immediate(epsilon))
    builder.scalarTensorTensor(out, x, .multiply, scale.pointer, .multiply, gamma)
    builder.store(flat(tensors[tensors.count - 1]), from: out)
  }
}
