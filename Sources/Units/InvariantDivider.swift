/// Divides by a number that stays the same, with one multiplication.
///
/// With 2^(s-1) < d <= 2^s and m = ceil(2^(62+s) / d), the product n m / 2^(62+s) rounds down to
/// n / d for every n below 2^62: the excess of m over the exact quotient is below d / d, and
/// n times that stays below one unit.
public struct InvariantDivider: Hashable, Sendable, BitwiseCopyable {
  /// What is divided by.
  public let divisor: Int64
  @usableFromInline let multiplier: UInt64
  @usableFromInline let shift: UInt64

  /// A divider by `divisor`, which is from 1 to 2^61.
  public init(_ divisor: Int64) {
    precondition(divisor > 0 && divisor <= 1 << 61, "a divisor from 1 to 2^61")
    self.divisor = divisor
    let width = UInt64(divisor)
    let exponent = width == 1 ? 0 : UInt64(64 - (width - 1).leadingZeroBitCount)
    shift = exponent
    // 2^(62 + s) / d, rounded up; below 2^63 because d > 2^(s-1).
    let high: UInt64 = exponent >= 2 ? 1 << (exponent - 2) : 0
    let low: UInt64 = exponent >= 2 ? 0 : 1 << (62 + exponent)
    let (quotient, remainder) = width.dividingFullWidth((high, low))
    multiplier = remainder == 0 ? quotient : quotient + 1
  }

  /// `value / divisor`, rounded towards zero.
  @inlinable @inline(__always)
  public func quotient(_ value: Int64) -> Int64 {
    guard UInt64(bitPattern: value) < 1 << 62 else { return value / divisor }
    let product = (UInt64(bitPattern: value) << 2).multipliedFullWidth(by: multiplier)
    return Int64(bitPattern: product.high >> shift)
  }
}
