/// The element formats of microscaling (MX) groups.
///
/// A group is 32 numbers, 8 partitions by 4 packed into one memory element, that share one scale.
/// Source: OCP Microscaling Formats specification 1.0, and the `nc_matmul_mx` and `quantize_mx`
/// pages of the public kernel interface.
public enum MXFormat: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case e4m3fn, e5m2, e2m1fn

  /// Numbers packed into one memory element.
  public static var packedCount: Int { 4 }
  /// Partitions that share one scale.
  public static var groupPartitions: Int { 8 }

  /// The fields of one number.
  @inlinable public var layout: FloatLayout {
    switch self {
    case .e4m3fn: FloatLayout(exponentBits: 4, mantissaBits: 3, bias: 7, specials: .onlyNaN)
    case .e5m2: FloatLayout(exponentBits: 5, mantissaBits: 2, bias: 15, specials: .infinityAndNaN)
    case .e2m1fn: FloatLayout(exponentBits: 2, mantissaBits: 1, bias: 1, specials: .none)
    }
  }

  /// Bits of one number.
  @inlinable public var bitWidth: Int { self == .e2m1fn ? 4 : 8 }

  /// The exponent of the largest finite number: 8, 15 or 2.
  @inlinable public var largestExponent: Int {
    switch self {
    case .e4m3fn: 8
    case .e5m2: 15
    case .e2m1fn: 2
    }
  }

  /// The value of a code, exact; bits above the width are ignored.
  public func decode(code: UInt8) -> Float { layout.decode(UInt32(code)) }

  /// The code nearest to `value`, ties to even.
  ///
  /// A finite value beyond the largest becomes the largest with its sign, as the OCP specification
  /// recommends for MX elements. Infinity stays infinity in e5m2, is NaN in e4m3fn and the largest
  /// number in e2m1fn; NaN is 0 in e2m1fn, which has none (its group's scale says NaN).
  public func encode(_ value: Float) -> UInt8 {
    let largest = layout.largestFinite
    let clamped = value.isFinite ? min(max(value, -largest), largest) : value
    return UInt8(truncatingIfNeeded: layout.encode(clamped))
  }
}

extension NumberFormat {
  /// What the four numbers of a packed element are; nil for formats with one number per element.
  @inlinable public var packedFormat: MXFormat? {
    switch self {
    case .float8e4m3fnx4: .e4m3fn
    case .float8e5m2x4: .e5m2
    case .float4e2m1fnx4: .e2m1fn
    default: nil
    }
  }

  /// True for the formats that hold four numbers in one element.
  @inlinable public var isPacked: Bool { packedFormat != nil }
}
