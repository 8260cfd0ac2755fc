import CoreState
import Hardware
import InstructionSet
import NumericFormats

extension KernelBuilder {
  /// Constants that a kernel can have in SBUF at once.
  private static var mostConstants: Int { 4 }

  /// NeuronCore-v2 reads every bias from memory. Source: see `Activate.validate`.
  private var readsBiases: Bool { device.generation < 3 }

  /// Bytes per partition at the end of SBUF that are kept for constants.
  var constantBytes: Int { readsBiases ? Self.mostConstants * Self.alignmentBytes : 0 }

  /// A bias as the device takes it: where biases are read, a number becomes a column of SBUF, which
  /// is filled where it is first needed and stays to the kernel's end.
  mutating func bias(
    _ bias: ScalarOperand, for row: AccessPattern, file: String, line: UInt
  ) -> ScalarOperand {
    guard case .immediate(let value) = bias, value != 0, readsBiases else { return bias }
    guard let column = constant(value, file, line) else { return bias }
    return column.rows(row.partitions).pointer
  }

  private mutating func constant(_ value: Float, _ file: String, _ line: UInt) -> Tile? {
    if let known = constants[value.bitPattern] { return known }
    guard constants.count < Self.mostConstants else {
      if failure == nil {
        failure = .unsupported(
          kernel: name, what: "\(constants.count + 1) different biases on \(device.name)",
          allowed: "\(Self.mostConstants)")
      }
      return nil
    }
    let end = sbufBytes.upperBound
    let column = Tile(
      AccessPattern(
        .sbuf, .float32, byteOffset: end - (constants.count + 1) * Self.alignmentBytes, columns: 1))
    declare("constant.\(constants.count)", column.access)
    memset(column, value, file: file, line: line)
    constants[value.bitPattern] = column
    return column
  }

  /// True for what outlives the scope that it was made in.
  func isConstant(_ buffer: BufferDeclaration) -> Bool {
    buffer.space == .sbuf
      && buffer.bytes.lowerBound >= sbufBytes.upperBound - constantBytes
  }
}
