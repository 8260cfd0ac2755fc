/// Elementary functions on one fp64 value: the scalar reference of `VectorMath`.
///
/// Only IEEE 754 operations (sum, product, quotient, fused multiply-add, comparison), so that every
/// host computes the same bits. Arguments and results are meant for fp32: the ranges are those that
/// fp32 can hold, and overflow shows when a result is rounded to fp32.
enum ScalarMath {
  /// Adding it rounds to an integer and leaves that integer in the low bits.
  static let roundingMagic = 0x1.8p52

  static func clamp(_ x: Double, _ bound: Double) -> Double {
    x > bound ? bound : x < -bound ? -bound : x
  }

  /// e^x; beyond |x| = 708 the value at that bound, which fp32 takes for 0 or infinity.
  static func exponential(_ argument: Double) -> Double {
    let x = clamp(argument, 708)
    let shifted = roundingMagic.addingProduct(x, MathConstant.log2e)
    let whole = shifted - roundingMagic
    let r = x.addingProduct(whole, -MathConstant.ln2High)
      .addingProduct(whole, -MathConstant.ln2Low)
    let fraction = 1 + r.addingProduct(r * r, Polynomial.exponential(r))
    return Double(bitPattern: fraction.bitPattern &+ (shifted.bitPattern &<< 52))
  }

  /// 2 atanh(s) for |s| <= 1/3.
  static func twiceInverseHyperbolicTangent(_ s: Double) -> Double {
    let z = s * s
    let twice = s + s
    return twice.addingProduct(twice * z, Polynomial.inverseHyperbolicTangent(z))
  }

  /// ln(x); -infinity at 0, NaN below.
  static func logarithm(_ x: Double) -> Double {
    if x == 0 { return -.infinity }
    if !(x > 0) { return .nan }
    if x == .infinity { return x }
    let bits = Int64(bitPattern: x.bitPattern)
    let exponent = (bits &- MathConstant.sqrtHalfBits) >> 52
    let mantissa = Double(bitPattern: UInt64(bitPattern: bits &- (exponent &<< 52)))
    let series = twiceInverseHyperbolicTangent((mantissa - 1) / (mantissa + 1))
    return series.addingProduct(Double(exponent), MathConstant.ln2High)
  }

  /// ln(1 + u) for 0 <= u <= 1.
  static func logarithmOfOnePlus(_ u: Double) -> Double {
    twiceInverseHyperbolicTangent(u / (2 + u))
  }

  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exponential(-x)) }

  static func tanh(_ x: Double) -> Double {
    let a = x.magnitude
    if a < 0.01 {
      let z = x * x
      return x.addingProduct(x * z, MathConstant.tanhThird.addingProduct(z, MathConstant.tanhFifth))
    }
    let e = exponential(-2 * a)
    let value = (1 - e) / (1 + e)
    return x < 0 ? -value : value
  }

  /// erfc(a) for a >= 0.75.
  private static func upperComplement(_ a: Double) -> Double {
    let bounded = a > 12 ? 12 : a
    let t = 1 / 1.0.addingProduct(0.4, bounded)
    return exponential(-(a * a)) * Polynomial.scaledComplement(t)
  }

  static func erf(_ x: Double) -> Double {
    if x.magnitude < 0.75 { return x * Polynomial.errorFunction(x * x) }
    let value = 1 - upperComplement(x.magnitude)
    return x < 0 ? -value : value
  }

  static func erfc(_ x: Double) -> Double {
    if x.magnitude < 0.75 { return 1 - x * Polynomial.errorFunction(x * x) }
    let value = upperComplement(x.magnitude)
    return x < 0 ? 2 - value : value
  }

  /// sin(x) for |x| <= pi; beyond, whatever the polynomial gives.
  static func sine(_ x: Double) -> Double {
    let a = x.magnitude
    let y = a > MathConstant.piHalf ? (MathConstant.pi - a) + MathConstant.piLow : a
    let z = y * y
    let value = y.addingProduct(y * z, Polynomial.sine(z))
    return x.sign == .minus ? -value : value
  }

  static func arctangent(_ x: Double) -> Double {
    let a = x.magnitude
    let isFar = a > MathConstant.tanThreeEighths
    let isMiddle = a > MathConstant.tanEighth
    let q = isFar ? -1 / a : isMiddle ? (a - 1) / (a + 1) : a
    let z = q * q
    let offset = isFar ? MathConstant.piHalf : isMiddle ? MathConstant.piQuarter : 0
    let value = offset + q.addingProduct(q * z, Polynomial.arctangent(z))
    return x.sign == .minus ? -value : value
  }

  /// 1 / sqrt(x): an estimate from the exponent, then three steps that each triple the digits.
  static func reciprocalSquareRoot(_ x: Double) -> Double {
    if x == 0 { return 1 / x }
    if !(x > 0) { return .nan }
    if x == .infinity { return 0 }
    var y = Double(bitPattern: MathConstant.inverseRootSeed &- (x.bitPattern &>> 1))
    for _ in 0..<3 {
      let e = 1.0.addingProduct(-(x * y), y)
      y = y.addingProduct(y * e, 0.5.addingProduct(e, 0.375))
    }
    return y
  }

  /// The special cases are those of IEEE 754 `pow`.
  static func power(_ base: Float, _ exponent: Float) -> Float {
    let (x, y) = (Double(base), Double(exponent))
    if x == 1 || y == 0 { return 1 }
    if x == -1 && y.magnitude == .infinity { return 1 }
    let isOdd = isInteger(y) && !isInteger(y * 0.5)
    if x < 0 && x != -.infinity && !isInteger(y) { return .nan }
    let value = Float(exponential(y * logarithm(x.magnitude)))
    return x.sign == .minus && isOdd ? -value : value
  }

  /// Every fp64 number from 2^51 on is an integer, and fp32 ones there are even.
  static func isInteger(_ y: Double) -> Bool {
    y.magnitude >= 0x1p51 || (y + roundingMagic) - roundingMagic == y
  }
}

/// Constants of the elementary functions; the low parts are what rounding cut from the high ones.
enum MathConstant {
  static let log2e = 0x1.71547652b82fep0
  static let ln2High = 0x1.62e42fefa39efp-1
  static let ln2Low = 0x1.abc9e3b39803fp-56
  static let pi = 0x1.921fb54442d18p1
  static let piLow = 0x1.1a62633145c07p-53
  static let piHalf = 0x1.921fb54442d18p0
  static let piQuarter = 0x1.921fb54442d18p-1
  static let tanEighth = 0.41421356237309503
  static let tanThreeEighths = 2.414213562373095
  static let tanhThird = -1.0 / 3
  static let tanhFifth = 2.0 / 15
  static let sqrtHalf = 0x1.6a09e667f3bcdp-1
  static let sqrtTwoOverPi = 0x1.9884533d43651p-1
  static let normalDensity = 0x1.9884533d43651p-2
  static let twoOverSqrtPi = 0x1.20dd750429b6dp0
  static let geluCubic = 0.044715
  static let geluSigmoidScale = 1.702
  /// The bit pattern of sqrt(1/2): mantissas are taken from there to sqrt(2).
  static let sqrtHalfBits: Int64 = 0x3FE6_A09E_667F_3BCD
  /// Makes half the negated exponent of its argument and a first guess at the mantissa.
  static let inverseRootSeed: UInt64 = 0x5FE6_EB50_C7B5_37A9
  /// Past it a factor e^-|x| is far below the smallest fp32 number, and no product is inf * 0.
  static let saturation = 1000.0
}
