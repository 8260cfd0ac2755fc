/// Appends protobuf fields to bytes: the five wire forms that the exports need.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  private mutating func tag(_ field: Int, _ wire: Int) { putVarint(UInt64(field << 3 | wire)) }

  private mutating func putVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// A whole number; negative ones take ten bytes, as the format has it.
  mutating func put(_ field: Int, _ value: Int64) {
    tag(field, 0)
    putVarint(UInt64(bitPattern: value))
  }

  /// A number of eight fixed bytes.
  mutating func put(_ field: Int, fixed value: UInt64) {
    tag(field, 1)
    for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
  }

  /// A floating-point number.
  mutating func put(_ field: Int, double value: Double) { put(field, fixed: value.bitPattern) }

  /// A text.
  mutating func put(_ field: Int, _ text: String) {
    tag(field, 2)
    putVarint(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// A message within the message.
  mutating func put(_ field: Int, _ fill: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    fill(&inner)
    tag(field, 2)
    putVarint(UInt64(inner.bytes.count))
    bytes.append(contentsOf: inner.bytes)
  }

  /// Whole numbers, packed.
  mutating func put(_ field: Int, packed values: [Int64]) {
    var inner = ProtobufWriter()
    for value in values { inner.putVarint(UInt64(bitPattern: value)) }
    tag(field, 2)
    putVarint(UInt64(inner.bytes.count))
    bytes.append(contentsOf: inner.bytes)
  }

  /// Takes what was written so far.
  mutating func takeBytes() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }
}
