extension NumberFormat {
  /// The element pattern nearest to `value`, in the low `sizeBytes` bytes.
  ///
  /// Floating-point formats round to nearest, ties to even, and keep subnormals. A value beyond the
  /// largest becomes infinity, or NaN in e4m3fn, which has none; clamping first is the caller's
  /// choice. NaN becomes the one positive quiet pattern of the format, so that stored bytes are the
  /// same on every host. Integer formats round to nearest even, then saturate; NaN becomes 0.
  /// Source: rounding and saturation as the AWS Neuron documentation states them.
  public func encode(_ value: Float) -> UInt32 {
    switch self {
    case .float32: value.isNaN ? 0x7FC0_0000 : value.bitPattern
    case .tensorFloat32: Self.roundToTensorFloat32(value.bitPattern)
    case .int8: UInt32(UInt8(truncatingIfNeeded: Self.saturate(value, -128, 127)))
    case .uint8: UInt32(truncatingIfNeeded: Self.saturate(value, 0, 255))
    case .int16: UInt32(UInt16(truncatingIfNeeded: Self.saturate(value, -32768, 32767)))
    case .uint16: UInt32(truncatingIfNeeded: Self.saturate(value, 0, 65535))
    case .int32:
      UInt32(truncatingIfNeeded: Self.saturate(value, -2_147_483_648, 2_147_483_647))
    case .uint32: UInt32(truncatingIfNeeded: Self.saturate(value, 0, 4_294_967_295))
    default: layout.map { Self.encodeNarrow(value, $0) } ?? 0
    }
  }

  /// The value of an element pattern; bits above the element's width are ignored.
  ///
  /// Exact for every format but int32 and uint32, which round to the nearest fp32 as the engines
  /// do.
  /// TF32 reads four bytes and rounds away mantissa bits that the format does not have.
  public func decode(_ bits: UInt32) -> Float {
    switch self {
    case .float32: Float(bitPattern: bits)
    case .tensorFloat32: Float(bitPattern: Self.roundToTensorFloat32(bits))
    case .int8: Float(Int8(truncatingIfNeeded: bits))
    case .uint8: Float(UInt8(truncatingIfNeeded: bits))
    case .int16: Float(Int16(truncatingIfNeeded: bits))
    case .uint16: Float(UInt16(truncatingIfNeeded: bits))
    case .int32: Float(Int32(truncatingIfNeeded: bits))
    case .uint32: Float(bits)
    default: layout.map { Self.decodeNarrow(bits, $0) } ?? 0
    }
  }

  /// Rounds to nearest even and clamps; the bounds are integers, so the order does not matter.
  private static func saturate(_ value: Float, _ low: Double, _ high: Double) -> Int64 {
    guard !value.isNaN else { return 0 }
    return Int64(min(max(Double(value), low), high).rounded(.toNearestOrEven))
  }

  /// Keeps ten mantissa bits of an fp32 pattern; a carry into the exponent is what rounding means.
  private static func roundToTensorFloat32(_ bits: UInt32) -> UInt32 {
    let magnitude = bits & 0x7FFF_FFFF
    guard magnitude <= 0x7F80_0000 else { return 0x7FC0_0000 }
    return (bits &+ 0x0FFF &+ ((bits >> 13) & 1)) & 0xFFFF_E000
  }

  private static func encodeNarrow(_ value: Float, _ layout: FloatLayout) -> UInt32 {
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    guard magnitude <= 0x7F80_0000 else { return layout.quietNaNCode }
    let sign = value.sign == .minus ? layout.signMask : 0
    guard magnitude != 0x7F80_0000 else { return sign | layout.overflowCode }
    // A subnormal of fp32 has the exponent of the smallest normal number and no hidden bit.
    let field = magnitude >> 23
    let significand = (magnitude & 0x007F_FFFF) | (field == 0 ? 0 : 0x0080_0000)
    let exponent = Int32(bitPattern: max(field, 1)) - 127 + Int32(bitPattern: layout.bias)
    // Below the format's normal range the unit in the last place stays at that of its smallest.
    let dropped = 23 - Int32(bitPattern: layout.mantissaBits) + max(1 - exponent, 0)
    guard dropped <= 25 else { return sign }
    let kept = Self.roundedShift(significand, by: UInt32(bitPattern: dropped))
    // Adding instead of or-ing lets the hidden bit, or a carry, step the exponent field.
    let code = exponent > 0 ? (UInt32(exponent - 1) << layout.mantissaBits) + kept : kept
    return sign | min(code, layout.overflowCode)
  }

  /// `value / 2^count` rounded to nearest, ties to even; `count` is 1 to 25.
  private static func roundedShift(_ value: UInt32, by count: UInt32) -> UInt32 {
    let quotient = value >> count
    let remainder = value & ((1 << count) - 1)
    let half = UInt32(1) << (count - 1)
    let roundsUp = remainder > half || (remainder == half && quotient & 1 == 1)
    return quotient + (roundsUp ? 1 : 0)
  }

  private static func decodeNarrow(_ bits: UInt32, _ layout: FloatLayout) -> Float {
    let magnitude = bits & (layout.signMask - 1)
    let isNegative = bits & layout.signMask != 0
    let value: Float
    if magnitude >= layout.firstSpecialCode {
      value = layout.hasInfinity && magnitude == layout.firstSpecialCode ? .infinity : .nan
    } else {
      let field = magnitude >> layout.mantissaBits
      let mantissa = magnitude & ((1 << layout.mantissaBits) - 1)
      let significand = field == 0 ? mantissa : mantissa | (1 << layout.mantissaBits)
      let exponent = Int(max(field, 1)) - Int(layout.bias) - Int(layout.mantissaBits)
      // An exact product: both factors and the result have at most eleven significant bits. The
      // power is applied in fp64 because bf16 reaches below the fp32 normal range.
      value = Float(Double(significand) * Double(sign: .plus, exponent: exponent, significand: 1))
    }
    return isNegative ? -value : value
  }
}
