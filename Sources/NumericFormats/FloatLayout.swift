/// The fields of a binary floating-point format narrower than fp32.
///
/// Every such format is sign, exponent, mantissa from the top bit down, with gradual underflow.
public struct FloatLayout: Sendable, Equatable, BitwiseCopyable {
  /// Bits of the exponent field.
  public let exponentBits: UInt32
  /// Bits of the mantissa field.
  public let mantissaBits: UInt32
  /// What the exponent field exceeds the exponent by.
  public let bias: UInt32
  /// True when the top exponent holds infinity and NaN, as in IEEE 754; false when only the
  /// all-ones pattern is NaN and there is no infinity.
  public let hasInfinity: Bool

  /// Spelled out because the memberwise initialiser of a public struct is internal.
  @inlinable
  public init(exponentBits: UInt32, mantissaBits: UInt32, bias: UInt32, hasInfinity: Bool) {
    self.exponentBits = exponentBits
    self.mantissaBits = mantissaBits
    self.bias = bias
    self.hasInfinity = hasInfinity
  }

  /// Bits of one element.
  @inlinable public var width: UInt32 { 1 + exponentBits + mantissaBits }

  /// The sign bit's mask.
  @inlinable public var signMask: UInt32 { 1 << (exponentBits + mantissaBits) }

  /// The first magnitude that is no finite number: infinity, or the NaN of a format without one.
  @inlinable public var firstSpecialCode: UInt32 {
    hasInfinity ? ((1 << exponentBits) - 1) << mantissaBits : signMask - 1
  }

  /// The pattern that a NaN gets when it is stored: positive and quiet.
  @inlinable public var quietNaNCode: UInt32 {
    hasInfinity ? firstSpecialCode | (1 << (mantissaBits - 1)) : firstSpecialCode
  }

  /// What an overflow becomes: infinity, or NaN in a format without one.
  @inlinable public var overflowCode: UInt32 { firstSpecialCode }
}

extension NumberFormat {
  /// The layout of a floating-point format of one or two bytes, nil for fp32, tf32 and integers.
  ///
  /// Source: the public data-type pages of the AWS Neuron documentation (`fp8_exp4` there is
  /// IEEE-like with a largest value of 240), and the OCP 8-bit specification for e4m3fn and e5m2.
  @inlinable public var layout: FloatLayout? {
    switch self {
    case .bfloat16:
      FloatLayout(exponentBits: 8, mantissaBits: 7, bias: 127, hasInfinity: true)
    case .float16:
      FloatLayout(exponentBits: 5, mantissaBits: 10, bias: 15, hasInfinity: true)
    case .float8e4m3:
      FloatLayout(exponentBits: 4, mantissaBits: 3, bias: 7, hasInfinity: true)
    case .float8e4m3fn:
      FloatLayout(exponentBits: 4, mantissaBits: 3, bias: 7, hasInfinity: false)
    case .float8e5m2:
      FloatLayout(exponentBits: 5, mantissaBits: 2, bias: 15, hasInfinity: true)
    case .float8e3m4:
      FloatLayout(exponentBits: 3, mantissaBits: 4, bias: 3, hasInfinity: true)
    default: nil
    }
  }

  /// The largest finite value, as fp32 (integers round to the nearest fp32).
  public var largestFinite: Float {
    switch self {
    case .float32: Float.greatestFiniteMagnitude
    case .tensorFloat32: Float(bitPattern: 0x7F7F_E000)
    case .int8: 127
    case .uint8: 255
    case .int16: 32767
    case .uint16: 65535
    case .int32: Float(Int32.max)
    case .uint32: Float(UInt32.max)
    default: decode((layout?.firstSpecialCode ?? 1) - 1)
    }
  }

  /// The largest relative error of one rounding of a normal number; 0 for integers.
  public var unitRoundoff: Double {
    switch self {
    case .float32: 0x1p-24
    case .tensorFloat32: 0x1p-11
    default: layout.map { 1 / Double(UInt32(2) << $0.mantissaBits) } ?? 0
    }
  }
}
