import Foundation

/// A small ONNX file, written field by field as its schema numbers them (onnx.proto).
struct TinyModel {
  private var graph: [UInt8] = []

  /// A node that makes one tensor.
  mutating func node(_ operation: String, _ inputs: [String], _ output: String) {
    let names = inputs.flatMap { Self.field(1, $0) } + Self.field(2, output)
    graph += Self.field(1, names + Self.field(3, output) + Self.field(4, operation))
  }

  /// Real numbers that the file holds.
  mutating func reals(_ name: String, _ shape: [Int], _ values: [Float]) {
    let lengths = shape.flatMap { Self.number(1, $0) }
    let raw = values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    }
    graph += Self.field(
      5, lengths + Self.number(2, 1) + Self.field(8, name) + Self.field(9, raw))
  }

  /// Whole numbers of 64 bits that the file holds.
  mutating func integers(_ name: String, _ values: [Int]) {
    let raw = values.flatMap { value in
      (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    graph += Self.field(
      5,
      Self.number(1, values.count) + Self.number(2, 7) + Self.field(8, name) + Self.field(9, raw))
  }

  /// An input; `type` is ONNX's number of the kind of elements, 1 for fp32 and 7 for int64.
  mutating func input(_ name: String, _ shape: [Int], type: Int = 1) {
    graph += Self.field(11, Self.value(name, shape, type))
  }

  /// An output of whatever shape.
  mutating func output(_ name: String) { graph += Self.field(12, Self.field(1, name)) }

  /// The file.
  var bytes: Data {
    Data(Self.number(1, 10) + Self.field(7, graph) + Self.field(8, Self.number(2, 20)))
  }

  private static func value(_ name: String, _ shape: [Int], _ type: Int) -> [UInt8] {
    let axes = shape.flatMap { field(1, number(1, $0)) }
    return field(1, name) + field(2, field(1, number(1, type) + field(2, axes)))
  }

  private static func number(_ tag: Int, _ value: Int) -> [UInt8] {
    varint(tag << 3) + varint(value)
  }

  private static func field(_ tag: Int, _ text: String) -> [UInt8] {
    field(tag, Array(text.utf8))
  }

  private static func field(_ tag: Int, _ bytes: [UInt8]) -> [UInt8] {
    varint(tag << 3 | 2) + varint(bytes.count) + bytes
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var (rest, bytes) = (UInt64(bitPattern: Int64(value)), [UInt8]())
    while rest > 0x7F {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
