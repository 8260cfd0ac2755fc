extension NumberFormat {
  /// The element pattern nearest to `value`, in the low `sizeBytes` bytes.
  ///
  /// Floating-point formats round to nearest, ties to even, and keep subnormals. A value beyond the
  /// largest becomes infinity, or NaN in e4m3fn, which has none; clamping first is the caller's
  /// choice. NaN becomes the one positive quiet pattern of the format, so that stored bytes are the
  /// same on every host. Integer formats round to nearest even, then saturate; NaN becomes 0.
  /// The scale format follows `MXScale.encode`; a packed element gets the number four times.
  /// Source: rounding and saturation as the AWS Neuron documentation states them; overflow to
  /// infinity, the pattern of a NaN and NaN to integer 0 are not published and assumed.
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
    case .float8e8m0: UInt32(MXScale.encode(value))
    case .float8e4m3fnx4, .float8e5m2x4, .float4e2m1fnx4: encodePacked(value)
    default: layout.map { $0.encode(value) } ?? 0
    }
  }

  /// The value of an element pattern; bits above the element's width are ignored.
  ///
  /// Exact for every format but int32 and uint32, which round to the nearest fp32 as the engines
  /// do. TF32 reads four bytes and rounds away mantissa bits that the format does not have. A
  /// packed element is four numbers; this is its first, `packedValues` has all.
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
    case .float8e8m0: MXScale.decode(UInt8(truncatingIfNeeded: bits))
    case .float8e4m3fnx4, .float8e5m2x4, .float4e2m1fnx4: decodePacked(bits)
    default: layout.map { $0.decode(bits) } ?? 0
    }
  }

  /// `encode`, but one of the two neighbours at random; `bits` are 32 uniform random bits.
  ///
  /// Overflow, NaN and subnormals as in `encode`: a value between the largest number and the step
  /// behind it becomes either. fp32 and integers do not depend on `bits`.
  public func encode(_ value: Float, stochasticBits bits: UInt32) -> UInt32 {
    switch self {
    case .tensorFloat32:
      value.isNaN ? 0x7FC0_0000 : (value.bitPattern &+ (bits >> 19)) & 0xFFFF_E000
    default: layout.map { $0.encode(value, stochasticBits: bits) } ?? encode(value)
    }
  }

  /// The four numbers of a packed element, lowest bits first; nil for other formats.
  public func packedValues(_ bits: UInt32) -> SIMD4<Float>? {
    packedFormat.map { format in
      var values = SIMD4<Float>()
      for index in 0..<MXFormat.packedCount {
        let code = UInt8(truncatingIfNeeded: bits >> UInt32(index * format.bitWidth))
        values[index] = format.decode(code: code)
      }
      return values
    }
  }

  private func encodePacked(_ value: Float) -> UInt32 {
    packedFormat.map { format in
      let code = UInt32(format.encode(value))
      return format.bitWidth == 4 ? code &* 0x1111 : code &* 0x0101_0101
    } ?? 0
  }

  private func decodePacked(_ bits: UInt32) -> Float {
    packedFormat.map { $0.decode(code: UInt8(truncatingIfNeeded: bits)) } ?? 0
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
}
