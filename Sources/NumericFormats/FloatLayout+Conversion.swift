extension FloatLayout {
  /// The code nearest to `value`, ties to even, subnormals kept.
  ///
  /// A value that rounds beyond the largest becomes `overflowCode` with its sign, NaN becomes
  /// `quietNaNCode`.
  public func encode(_ value: Float) -> UInt32 { encode(value, bits: nil) }

  /// One of the two codes around `value`: the one of larger magnitude with a probability equal to
  /// the distance from the other, in units of their gap.
  ///
  /// `stochasticBits` are 32 uniform random bits; the magnitude goes up where they and the dropped
  /// part, as a fraction of 2^32, carry. So the probability is exact unless the value is less than
  /// 2^-8 of the smallest subnormal number, where it is cut to a multiple of 2^-32.
  public func encode(_ value: Float, stochasticBits: UInt32) -> UInt32 {
    encode(value, bits: stochasticBits)
  }

  private func encode(_ value: Float, bits: UInt32?) -> UInt32 {
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    guard magnitude <= 0x7F80_0000 else { return quietNaNCode }
    let sign = value.sign == .minus ? signMask : 0
    guard magnitude != 0x7F80_0000 else { return sign | overflowCode }
    // A subnormal of fp32 has the exponent of the smallest normal number and no hidden bit.
    let field = magnitude >> 23
    let significand = (magnitude & 0x007F_FFFF) | (field == 0 ? 0 : 0x0080_0000)
    let exponent = Int32(bitPattern: max(field, 1)) - 127 + Int32(bitPattern: bias)
    // Below the format's normal range the unit in the last place stays at that of its smallest.
    let dropped = 23 - Int32(bitPattern: mantissaBits) + max(1 - exponent, 0)
    let kept = Self.rounded(significand, dropping: dropped, bits: bits)
    // Adding instead of or-ing lets the hidden bit, or a carry, step the exponent field.
    let code = exponent > 0 ? (UInt32(exponent - 1) << mantissaBits) + kept : kept
    return sign | min(code, overflowCode)
  }

  /// `significand / 2^dropped`, rounded to nearest even without `bits` and by them otherwise.
  private static func rounded(_ significand: UInt32, dropping dropped: Int32, bits: UInt32?)
    -> UInt32
  {
    let parts = (UInt64(significand) << 32) >> UInt64(min(dropped, 63))
    let quotient = UInt32(truncatingIfNeeded: parts >> 32)
    let fraction = UInt32(truncatingIfNeeded: parts)
    let half: UInt32 = 0x8000_0000
    guard let bits else {
      // Bits that left even the fraction belong to a value far below one half.
      let roundsUp = fraction > half || (fraction == half && quotient & 1 == 1)
      return quotient + (roundsUp ? 1 : 0)
    }
    return quotient + (fraction.addingReportingOverflow(bits).overflow ? 1 : 0)
  }

  /// The value of a code, exact; bits above the width are ignored.
  public func decode(_ bits: UInt32) -> Float {
    let magnitude = bits & (signMask - 1)
    let isNegative = bits & signMask != 0
    let value: Float
    if magnitude >= firstSpecialCode {
      value = specials == .infinityAndNaN && magnitude == firstSpecialCode ? .infinity : .nan
    } else {
      let field = magnitude >> mantissaBits
      let mantissa = magnitude & ((1 << mantissaBits) - 1)
      let significand = field == 0 ? mantissa : mantissa | (1 << mantissaBits)
      let exponent = Int(max(field, 1)) - Int(bias) - Int(mantissaBits)
      // An exact product: both factors and the result have at most eleven significant bits. The
      // power is applied in fp64 because bf16 reaches below the fp32 normal range.
      value = Float(Double(significand) * Double(sign: .plus, exponent: exponent, significand: 1))
    }
    return isNegative ? -value : value
  }
}
