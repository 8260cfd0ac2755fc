/// The fields of a binary floating-point format narrower than fp32.
///
/// Every such format is sign, exponent, mantissa from the top bit down, with gradual underflow.
public struct FloatLayout: Sendable, Equatable, BitwiseCopyable {
  /// Which of the largest codes are no finite numbers.
  public enum Specials: Sendable, Equatable, BitwiseCopyable {
    /// The top exponent holds infinity and NaN, as in IEEE 754.
    case infinityAndNaN
    /// Only the all-ones magnitude is NaN, and there is no infinity.
    case onlyNaN
    /// Every code is a finite number.
    case none
  }

  /// Bits of the exponent field.
  public let exponentBits: UInt32
  /// Bits of the mantissa field.
  public let mantissaBits: UInt32
  /// What the exponent field exceeds the exponent by.
  public let bias: UInt32
  /// Which codes are no finite numbers.
  public let specials: Specials

  /// Spelled out because the memberwise initialiser of a public struct is internal.
  @inlinable
  public init(exponentBits: UInt32, mantissaBits: UInt32, bias: UInt32, specials: Specials) {
    self.exponentBits = exponentBits
    self.mantissaBits = mantissaBits
    self.bias = bias
    self.specials = specials
  }

  /// Bits of one element.
  @inlinable public var width: UInt32 { 1 + exponentBits + mantissaBits }

  /// The sign bit's mask.
  @inlinable public var signMask: UInt32 { 1 << (exponentBits + mantissaBits) }

  /// The first magnitude that is no finite number: infinity, the NaN of a format without one, or,
  /// where all are finite, the one behind the last.
  @inlinable public var firstSpecialCode: UInt32 {
    switch specials {
    case .infinityAndNaN: ((1 << exponentBits) - 1) << mantissaBits
    case .onlyNaN: signMask - 1
    case .none: signMask
    }
  }

  /// The pattern that a NaN gets when it is stored: positive and quiet, or zero in a format that
  /// has no NaN.
  @inlinable public var quietNaNCode: UInt32 {
    switch specials {
    case .infinityAndNaN: firstSpecialCode | (1 << (mantissaBits - 1))
    case .onlyNaN: firstSpecialCode
    case .none: 0
    }
  }

  /// What an overflow becomes: infinity, NaN in a format without one, the largest number in a
  /// format without either.
  @inlinable public var overflowCode: UInt32 {
    specials == .none ? firstSpecialCode - 1 : firstSpecialCode
  }

  /// The largest finite value.
  public var largestFinite: Float { decode(firstSpecialCode - 1) }
}

extension NumberFormat {
  /// The layout of a floating-point format of one or two bytes, nil for fp32, tf32, integers, the
  /// scale format and packed elements.
  ///
  /// Source: the public data-type pages of the AWS Neuron documentation (`fp8_exp4` there is
  /// IEEE-like with a largest value of 240), and the OCP 8-bit specification for e4m3fn and e5m2.
  /// The special values of e3m4 are not published; assumed IEEE-like (largest value 15.5), as
  /// e4m3 and e5m2 of the same hardware are.
  @inlinable public var layout: FloatLayout? {
    switch self {
    case .bfloat16:
      FloatLayout(exponentBits: 8, mantissaBits: 7, bias: 127, specials: .infinityAndNaN)
    case .float16:
      FloatLayout(exponentBits: 5, mantissaBits: 10, bias: 15, specials: .infinityAndNaN)
    case .float8e4m3:
      FloatLayout(exponentBits: 4, mantissaBits: 3, bias: 7, specials: .infinityAndNaN)
    case .float8e4m3fn:
      FloatLayout(exponentBits: 4, mantissaBits: 3, bias: 7, specials: .onlyNaN)
    case .float8e5m2:
      FloatLayout(exponentBits: 5, mantissaBits: 2, bias: 15, specials: .infinityAndNaN)
    case .float8e3m4:
      FloatLayout(exponentBits: 3, mantissaBits: 4, bias: 3, specials: .infinityAndNaN)
    default: nil
    }
  }

  /// The largest finite value, as fp32 (integers round to the nearest fp32; of one packed number).
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
    case .float8e8m0: 0x1p127
    default: (layout ?? packedFormat?.layout)?.largestFinite ?? 0
    }
  }

  /// The largest relative error of one rounding of a normal number; 0 for integers.
  public var unitRoundoff: Double {
    switch self {
    case .float32: 0x1p-24
    case .tensorFloat32: 0x1p-11
    case .float8e8m0: 0.5
    default:
      (layout ?? packedFormat?.layout).map { 1 / Double(UInt32(2) << $0.mantissaBits) } ?? 0
    }
  }
}
