import CLanes

/// What a comparison of `Lanes` gives.
typealias LaneMask = SIMDMask<SIMD16<Int32>>

/// Comparisons of sixteen fp32 lanes and choices between them, each one vector operation; they take
/// the place of the standard library's, which are loops over lanes (see `CLanes`).
extension SIMD16<Float> {
  @inline(__always)
  static func .== (left: Self, right: Self) -> LaneMask { mask(floats_equal(left, right)) }

  @inline(__always)
  static func .!= (left: Self, right: Self) -> LaneMask { mask(floats_differ(left, right)) }

  @inline(__always)
  static func .< (left: Self, right: Self) -> LaneMask { mask(floats_less(left, right)) }

  @inline(__always)
  static func .<= (left: Self, right: Self) -> LaneMask { mask(floats_at_most(left, right)) }

  @inline(__always)
  static func .> (left: Self, right: Self) -> LaneMask { mask(floats_less(right, left)) }

  @inline(__always)
  static func .>= (left: Self, right: Self) -> LaneMask { mask(floats_at_most(right, left)) }

  @inline(__always)
  static func .== (left: Self, right: Float) -> LaneMask { left .== Self(repeating: right) }

  @inline(__always)
  static func .!= (left: Self, right: Float) -> LaneMask { left .!= Self(repeating: right) }

  @inline(__always)
  static func .< (left: Self, right: Float) -> LaneMask { left .< Self(repeating: right) }

  @inline(__always)
  static func .<= (left: Self, right: Float) -> LaneMask { left .<= Self(repeating: right) }

  @inline(__always)
  static func .> (left: Self, right: Float) -> LaneMask { left .> Self(repeating: right) }

  @inline(__always)
  static func .>= (left: Self, right: Float) -> LaneMask { left .>= Self(repeating: right) }

  /// These lanes, and those of `other` where the mask is set.
  @inline(__always)
  func replacing(with other: Self, where mask: LaneMask) -> Self {
    floats_chosen(unsafe unsafeBitCast(mask, to: SIMD16<Int32>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Float, where mask: LaneMask) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  private static func mask(_ words: SIMD16<Int32>) -> LaneMask {
    unsafe unsafeBitCast(words, to: LaneMask.self)
  }
}

/// What a comparison of `Doubles` gives.
typealias DoubleMask = SIMDMask<SIMD8<Int64>>

/// The same for eight fp64 lanes.
extension SIMD8<Double> {
  @inline(__always)
  static func .== (left: Self, right: Self) -> DoubleMask { mask(doubles_equal(left, right)) }

  @inline(__always)
  static func .!= (left: Self, right: Self) -> DoubleMask { mask(doubles_differ(left, right)) }

  @inline(__always)
  static func .< (left: Self, right: Self) -> DoubleMask { mask(doubles_less(left, right)) }

  @inline(__always)
  static func .<= (left: Self, right: Self) -> DoubleMask { mask(doubles_at_most(left, right)) }

  @inline(__always)
  static func .> (left: Self, right: Self) -> DoubleMask { mask(doubles_less(right, left)) }

  @inline(__always)
  static func .>= (left: Self, right: Self) -> DoubleMask { mask(doubles_at_most(right, left)) }

  @inline(__always)
  static func .== (left: Self, right: Double) -> DoubleMask { left .== Self(repeating: right) }

  @inline(__always)
  static func .!= (left: Self, right: Double) -> DoubleMask { left .!= Self(repeating: right) }

  @inline(__always)
  static func .< (left: Self, right: Double) -> DoubleMask { left .< Self(repeating: right) }

  @inline(__always)
  static func .<= (left: Self, right: Double) -> DoubleMask { left .<= Self(repeating: right) }

  @inline(__always)
  static func .> (left: Self, right: Double) -> DoubleMask { left .> Self(repeating: right) }

  @inline(__always)
  static func .>= (left: Self, right: Double) -> DoubleMask { left .>= Self(repeating: right) }

  /// These lanes, and those of `other` where the mask is set.
  @inline(__always)
  func replacing(with other: Self, where mask: DoubleMask) -> Self {
    doubles_chosen(unsafe unsafeBitCast(mask, to: SIMD8<Int64>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Double, where mask: DoubleMask) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  private static func mask(_ words: SIMD8<Int64>) -> DoubleMask {
    unsafe unsafeBitCast(words, to: DoubleMask.self)
  }
}
