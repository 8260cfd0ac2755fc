import Foundation
import ModelGraph
import NumericFormats

/// How elements of a type lie in a file, little end first.
struct ElementBytes {
  enum Kind { case float16, bfloat16, float32, float64, integer, bits }

  let type: ElementType
  let kind: Kind
  /// Bytes of an element; types of less than a byte are packed and have 1.
  let sizeBytes: Int

  /// How a type lies in ONNX's raw data.
  init(_ type: ElementType) {
    self.type = type
    switch type {
    case .format(.float32): (kind, sizeBytes) = (.float32, 4)
    case .float64: (kind, sizeBytes) = (.float64, 8)
    case .format(.float16): (kind, sizeBytes) = (.float16, 2)
    case .format(.bfloat16): (kind, sizeBytes) = (.bfloat16, 2)
    default:
      if let range = type.integerRange {
        (kind, sizeBytes) = (.integer, max(1, range.bits / 8))
      } else {
        (kind, sizeBytes) = (.bits, 1)
      }
    }
  }

  /// How NumPy stores a type; the narrow real numbers that it does not know become fp32.
  init(storing type: ElementType) {
    switch type {
    case .format(.bfloat16): self.init(.float32)
    case .float64, .format(.float32), .format(.float16): self.init(type)
    case .int4, .int2: self.init(.int8)
    case .uint4, .uint2: self.init(.uint8)
    default: self.init(type.isInteger ? type : .float32)
    }
  }

  /// The type behind NumPy's name; nil for one that it does not share with ONNX.
  init?(numpy name: String) {
    let types: [String: ElementType] = [
      "<f4": .float32, "<f8": .float64, "<f2": .float16, "|b1": .bool, "|i1": .int8,
      "|u1": .uint8, "<i2": .format(.int16), "<u2": .format(.uint16), "<i4": .int32,
      "<u4": .format(.uint32), "<i8": .int64, "<u8": .uint64, "<V2": .bfloat16,
    ]
    guard let type = types[name] else { return nil }
    self.init(type)
  }

  var numpyName: String {
    switch type {
    case .bool: return "|b1"
    case .format(.float16): return "<f2"
    case .float64: return "<f8"
    case .format(.float32): return "<f4"
    default:
      let isSigned = type.integerRange?.isSigned ?? true
      return "\(sizeBytes == 1 ? "|" : "<")\(isSigned ? "i" : "u")\(sizeBytes)"
    }
  }

  /// Bytes that so many elements take.
  func sizeBytes(count: Int) -> Int {
    guard let bits = packedBits else { return count * sizeBytes }
    return (count * bits + 7) / 8
  }

  /// Bits of an element that shares its byte with others.
  private var packedBits: Int? {
    switch type {
    case .int4, .uint4, .float4e2m1: 4
    case .int2, .uint2: 2
    default: nil
    }
  }

  /// Elements from their bytes; there are enough of them. Throws `badValue`.
  func view(_ bytes: [UInt8], shape: TensorShape) throws(GraphError) -> TensorView {
    let count = shape.elementCount
    switch kind {
    case .float32:
      let values = (0..<count).map { Float(bitPattern: UInt32(word(bytes, $0))) }
      return try TensorView(floats: values, shape: shape, type: type)
    case .float64:
      let values = (0..<count).map { Double(bitPattern: word(bytes, $0)) }
      return try TensorView(values, shape: shape, type: type)
    case .float16, .bfloat16:
      let format: NumberFormat = kind == .float16 ? .float16 : .bfloat16
      let values = (0..<count).map { format.decode(UInt32(word(bytes, $0))) }
      return try TensorView(floats: values, shape: shape, type: type)
    case .integer:
      let values = (0..<count).map { integer(code(bytes, $0)) }
      return try TensorView(integers: values, shape: shape, type: type)
    case .bits:
      let values = (0..<count).map { NarrowCode.value(UInt8(code(bytes, $0)), type) }
      return try TensorView(values, shape: shape, type: type)
    }
  }

  /// An element's code, sign not extended.
  private func code(_ bytes: [UInt8], _ index: Int) -> UInt64 {
    guard let bits = packedBits else { return word(bytes, index) }
    let place = index * bits
    return UInt64(bytes[place / 8] >> UInt8(place % 8)) & (1 << UInt64(bits) - 1)
  }

  /// A whole number from its code.
  func integer(_ code: UInt64) -> Int64 {
    type == .bool ? (code == 0 ? 0 : 1) : type.wrapped(Int64(bitPattern: code))
  }

  private func word(_ bytes: [UInt8], _ index: Int) -> UInt64 {
    var word: UInt64 = 0
    for byte in 0..<sizeBytes {
      word |= UInt64(bytes[index * sizeBytes + byte]) << UInt64(8 * byte)
    }
    return word
  }

  /// The bytes of elements, in this type.
  func bytes(of view: TensorView) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(view.count * sizeBytes)
    let words: [UInt64]
    switch kind {
    case .float64: words = view.allValues.map(\.bitPattern)
    case .float16:
      words = view.allValues.map { UInt64(NumberFormat.float16.encode(Float($0))) }
    case .integer: words = view.integerValues.map { UInt64(bitPattern: $0) }
    default: words = view.allValues.map { UInt64(Float($0).bitPattern) }
    }
    for word in words {
      for byte in 0..<sizeBytes {
        result.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * byte)))
      }
    }
    return result
  }
}

/// Values of codes of eight bits and fewer that are real numbers.
enum NarrowCode {
  static func value(_ code: UInt8, _ type: ElementType) -> Double {
    switch type {
    case .float4e2m1:
      let sizes: [Double] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
      return (code & 8 == 0 ? 1 : -1) * sizes[Int(code & 7)]
    case .float8e4m3fnuz: return unsignedZero(code, fractionBits: 3, bias: 8)
    case .float8e5m2fnuz: return unsignedZero(code, fractionBits: 2, bias: 16)
    default: return Double(type.storage.decode(UInt32(code)))
    }
  }

  private static func unsignedZero(_ code: UInt8, fractionBits: Int, bias: Int) -> Double {
    if code == 0x80 { return .nan }
    let magnitude = Int(code & 0x7F)
    let exponent = magnitude >> fractionBits
    let fraction = Double(magnitude & (1 << fractionBits - 1)) / Double(1 << fractionBits)
    let size =
      exponent == 0
      ? scalbn(fraction, 1 - bias) : scalbn(1 + fraction, exponent - bias)
    return code & 0x80 == 0 ? size : -size
  }
}
