package import NumericFormats

/// What kind of numbers a tensor holds: the device's own formats, and those that only models have.
///
/// A graph keeps values of the latter kind exactly (64-bit integers decide shapes); where the
/// device has to hold them it uses `storage`.
package enum ElementType: Hashable, Sendable {
  /// A format that engines hold as it is.
  case format(NumberFormat)
  /// IEEE double precision; fp32 on the device.
  case float64
  /// 64-bit integers; the device holds them as 32-bit ones.
  case int64
  /// 64-bit unsigned integers; the device holds them as 32-bit ones.
  case uint64
  /// False or true: 0 or 1.
  case bool
  /// Four-bit integers from −8 to 7.
  case int4
  /// Four-bit integers from 0 to 15.
  case uint4
  /// Two-bit integers from −2 to 1.
  case int2
  /// Two-bit integers from 0 to 3.
  case uint2
  /// The four-bit numbers of MXFP4, one by one.
  case float4e2m1
  /// Eight-bit numbers without infinity and negative zero, bias 8.
  case float8e4m3fnuz
  /// Eight-bit numbers without infinity and negative zero, bias 16.
  case float8e5m2fnuz

  /// Single precision, what most models are written in.
  package static let float32 = ElementType.format(.float32)
  /// Half precision.
  package static let float16 = ElementType.format(.float16)
  /// The upper half of single precision.
  package static let bfloat16 = ElementType.format(.bfloat16)
  /// 32-bit integers.
  package static let int32 = ElementType.format(.int32)
  /// Bytes.
  package static let uint8 = ElementType.format(.uint8)
  /// Signed bytes.
  package static let int8 = ElementType.format(.int8)

  /// True for whole numbers, truth values included.
  package var isInteger: Bool { integerRange != nil }

  /// True for the real numbers.
  package var isFloat: Bool { !isInteger }

  /// The format in which the device holds such elements.
  package var storage: NumberFormat {
    switch self {
    case .format(let format): format
    case .float64: .float32
    case .int64: .int32
    case .uint64: .uint32
    case .bool, .uint4, .uint2: .uint8
    case .int4, .int2: .int8
    case .float4e2m1: .float8e4m3fn
    case .float8e4m3fnuz, .float8e5m2fnuz: .bfloat16
    }
  }

  /// Bits of a whole number and whether it has a sign; nil for real numbers.
  package var integerRange: (bits: Int, isSigned: Bool)? {
    switch self {
    case .format(.int8): (8, true)
    case .format(.uint8): (8, false)
    case .format(.int16): (16, true)
    case .format(.uint16): (16, false)
    case .format(.int32): (32, true)
    case .format(.uint32): (32, false)
    case .int64: (64, true)
    case .uint64: (64, false)
    case .bool: (1, false)
    case .int4: (4, true)
    case .uint4: (4, false)
    case .int2: (2, true)
    case .uint2: (2, false)
    default: nil
    }
  }

  /// The name in messages.
  package var name: String {
    switch self {
    case .format(let format): format.name
    case .float64: "fp64"
    case .int64: "int64"
    case .uint64: "uint64"
    case .bool: "bool"
    case .int4: "int4"
    case .uint4: "uint4"
    case .int2: "int2"
    case .uint2: "uint2"
    case .float4e2m1: "fp4e2m1"
    case .float8e4m3fnuz: "fp8e4m3fnuz"
    case .float8e5m2fnuz: "fp8e5m2fnuz"
    }
  }

  /// The whole number of this type that keeps the low bits of `value`: what overflow leaves.
  /// Truth values are 1 for anything but 0; `uint64` is kept as its bits.
  package func wrapped(_ value: Int64) -> Int64 {
    guard let range = integerRange, range.bits < 64 else { return value }
    if self == .bool { return value == 0 ? 0 : 1 }
    let unused = Int64(64 - range.bits)
    let raised = value << unused
    return range.isSigned
      ? raised >> unused : Int64(bitPattern: UInt64(bitPattern: raised) >> UInt64(unused))
  }

  /// The smallest and the largest whole number; nil for real numbers and 64-bit ones.
  package var integerBounds: ClosedRange<Int64>? {
    guard let range = integerRange, range.bits < 64 else { return nil }
    let count = Int64(1) << Int64(range.bits)
    return range.isSigned ? -count / 2...count / 2 - 1 : 0...count - 1
  }
}

/// The shape of a tensor and what it holds.
package struct TensorType: Hashable, Sendable {
  /// Axis lengths.
  package var shape: TensorShape
  /// What kind of numbers.
  package var type: ElementType

  /// A tensor of that shape and type.
  package init(_ shape: TensorShape, _ type: ElementType) {
    self.shape = shape
    self.type = type
  }
}
