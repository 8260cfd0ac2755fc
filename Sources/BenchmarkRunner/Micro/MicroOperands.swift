import CoreState
import NumericFormats
import WorkloadCatalog

/// Where the operands of micro-programs stand: far enough apart for the longest row, and in PSUM
/// in banks of their own, so that no instruction overwrites what it reads.
enum MicroOperands {
  /// Rows that every element-wise operand has.
  static let partitions = 128

  private enum Place: Int {
    case source = 0
    case second, destination, column

    /// The last place ends within the smallest partition of SBUF that a device has, 192 KiB.
    var inSBUF: Int { rawValue * 60 * 1_024 }
    var inPSUM: Int { rawValue * 4 * 1_024 }
  }

  private static func pattern(_ operand: MicroOperand, _ columns: Int, _ place: Place)
    -> AccessPattern
  {
    operand.memory == .sbuf
      ? AccessPattern(.sbuf, operand.format, byteOffset: place.inSBUF, columns: columns)
      : AccessPattern(.psum, operand.format, byteOffset: place.inPSUM, columns: columns)
  }

  private static func row(_ columns: Int, _ format: NumberFormat, _ place: Place)
    -> AccessPattern
  {
    pattern(MicroOperand(memory: .sbuf, format: format), columns, place)
  }

  // MARK: Element-wise operands

  /// What an instruction reads first.
  static func source(_ operand: MicroOperand, _ columns: Int) -> AccessPattern {
    pattern(operand, columns, .source)
  }

  /// The same in SBUF.
  static func source(_ columns: Int, _ format: NumberFormat = .float32) -> AccessPattern {
    row(columns, format, .source)
  }

  /// What an instruction reads beside it.
  static func second(_ operand: MicroOperand, _ columns: Int) -> AccessPattern {
    pattern(operand, columns, .second)
  }

  /// The same in SBUF.
  static func second(_ columns: Int, _ format: NumberFormat = .float32) -> AccessPattern {
    row(columns, format, .second)
  }

  /// What an instruction writes.
  static func destination(_ operand: MicroOperand, _ columns: Int) -> AccessPattern {
    pattern(operand, columns, .destination)
  }

  /// The same in SBUF.
  static func destination(_ columns: Int, _ format: NumberFormat = .float32) -> AccessPattern {
    row(columns, format, .destination)
  }

  /// One value per partition: a bias or a seed.
  static let column = row(1, .float32, .column)

  // MARK: Tiles of the tensor engine and of transfers

  /// The stationary tile `[depth, rows]`.
  static func stationary(
    _ format: NumberFormat, _ depth: Int, _ rows: Int, _ isDoubleRow: Bool
  ) -> AccessPattern {
    contraction(format, depth, rows, isDoubleRow, .source)
  }

  /// The moving tile `[depth, columns]`.
  static func moving(
    _ format: NumberFormat, _ depth: Int, _ columns: Int, _ isDoubleRow: Bool
  ) -> AccessPattern {
    contraction(format, depth, columns, isDoubleRow, .second)
  }

  /// A tile with the contraction on partitions; a double row puts two of them on each.
  private static func contraction(
    _ format: NumberFormat, _ depth: Int, _ columns: Int, _ isDoubleRow: Bool, _ place: Place
  ) -> AccessPattern {
    guard isDoubleRow else {
      return AccessPattern(
        .sbuf, format, partitions: 0..<depth, byteOffset: place.inSBUF, columns: columns)
    }
    return AccessPattern(
      space: .sbuf, format: format, startPartition: 0, partitionCount: UInt8(depth / 2),
      byteOffset: UInt32(place.inSBUF), dimensionCount: 2,
      sizes: SIMD4(2, UInt16(columns), 1, 1), strides: SIMD4(Int16(columns), 1, 0, 0))
  }

  /// A product `[rows, columns]`.
  static func product(_ rows: Int, _ columns: Int) -> AccessPattern {
    AccessPattern(.psum, .float32, partitions: 0..<rows, byteOffset: 0, columns: columns)
  }

  /// A transposed tile `[columns, 128]`.
  static func transposed(_ format: NumberFormat, _ columns: Int) -> AccessPattern {
    AccessPattern(
      .psum, format, partitions: 0..<columns, byteOffset: 0, columns: partitions)
  }

  /// The end of a transfer in SBUF.
  static func transferred(_ bytesPerPartition: Int, _ partitions: Int) -> AccessPattern {
    AccessPattern(
      .sbuf, .float32, partitions: 0..<partitions, byteOffset: Place.source.inSBUF,
      columns: max(1, bytesPerPartition / 4))
  }
}
