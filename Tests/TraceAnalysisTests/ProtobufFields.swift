/// Reads protobuf back, written apart from the writer that it checks.
struct ProtobufFields {
  enum Value {
    case number(UInt64)
    case bytes([UInt8])
  }

  private(set) var fields: [(number: Int, value: Value)] = []

  /// Nil when the bytes are no message.
  init?(_ bytes: [UInt8]) {
    var at = 0
    func varint() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 70, by: 7) where at < bytes.count {
        let byte = bytes[at]
        at += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
      }
      return nil
    }
    while at < bytes.count {
      guard let key = varint() else { return nil }
      let number = Int(key >> 3)
      switch key & 7 {
      case 0:
        guard let value = varint() else { return nil }
        fields.append((number, .number(value)))
      case 1:
        guard at + 8 <= bytes.count else { return nil }
        let value = bytes[at..<at + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        fields.append((number, .number(value)))
        at += 8
      case 2:
        guard let size = varint(), at + Int(size) <= bytes.count else { return nil }
        fields.append((number, .bytes(Array(bytes[at..<at + Int(size)]))))
        at += Int(size)
      default: return nil
      }
    }
  }

  func numbers(_ field: Int) -> [UInt64] {
    fields.compactMap {
      if $0.number == field, case .number(let value) = $0.value { value } else { nil }
    }
  }

  func number(_ field: Int) -> Int64? { numbers(field).first.map { Int64(bitPattern: $0) } }

  func bytes(_ field: Int) -> [[UInt8]] {
    fields.compactMap {
      if $0.number == field, case .bytes(let value) = $0.value { value } else { nil }
    }
  }

  func text(_ field: Int) -> String? {
    bytes(field).first.map { String(decoding: $0, as: UTF8.self) }
  }

  func messages(_ field: Int) -> [ProtobufFields] { bytes(field).compactMap(ProtobufFields.init) }

  /// Whole numbers of a packed field.
  func packed(_ field: Int) -> [Int64] {
    guard let content = bytes(field).first else { return [] }
    var values: [Int64] = []
    var (value, shift): (UInt64, UInt64) = (0, 0)
    for byte in content {
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 {
        values.append(Int64(bitPattern: value))
        (value, shift) = (0, 0)
      }
    }
    return values
  }
}
