/// The scale byte of a microscaling group (e8m0): a power of two and nothing else.
///
/// Byte b means 2^(b - 127); 0xFF is NaN and makes the whole group NaN. There is no zero.
/// Source: OCP Microscaling Formats specification 1.0.
public enum MXScale {
  /// The byte of the scale that is no number.
  public static var notANumber: UInt8 { 0xFF }

  /// The value of a scale byte; byte 0 is 2^-127, a subnormal fp32 number.
  @inlinable
  public static func decode(_ byte: UInt8) -> Float {
    switch byte {
    case 0: Float(bitPattern: 0x0040_0000)
    case 0xFF: .nan
    default: Float(bitPattern: UInt32(byte) << 23)
    }
  }

  /// One divided by the value of a scale byte, exact.
  @inlinable
  public static func inverse(_ byte: UInt8) -> Float {
    byte == 0xFF ? .nan : decode(254 - byte)
  }

  /// The byte of the power of two nearest to `value`, the larger one at 1.5.
  ///
  /// Positive values below 2^-127 become 2^-127. Zero, negative values, NaN and what rounds to
  /// 2^128 or beyond become NaN, since the format has nothing for them.
  public static func encode(_ value: Float) -> UInt8 {
    guard value > 0, value < 0x1.8p127 else { return notANumber }
    let rounds = value.significand >= 1.5 ? 1 : 0
    return UInt8(max(Int(value.exponent) + rounds, -127) + 127)
  }

  /// The scale that `quantize_mx` gives a group whose largest magnitude is `maximum`:
  /// 2^(floor(log2 maximum) - (Emax - 1)), and 2^-127 for a group of zeros.
  ///
  /// Twice the scale of the OCP reference, so that the largest value never saturates. Exponents
  /// below -127 become -127.
  /// Assumed, for it is not published: infinity or NaN in a group makes its scale NaN.
  /// Source: the `quantize_mx` page of the public kernel interface.
  public static func forGroup(maximum: Float, format: MXFormat) -> UInt8 {
    let magnitude = maximum.magnitude
    guard magnitude.isFinite else { return notANumber }
    guard magnitude > 0 else { return 0 }
    let exponent = Int(magnitude.exponent) - (format.largestExponent - 1)
    return UInt8(min(max(exponent, -127), 127) + 127)
  }
}
