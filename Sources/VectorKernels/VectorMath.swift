/// Eight fp64 lanes: transcendental functions compute in them and round once to fp32.
typealias Doubles = SIMD8<Double>

/// The functions of `ScalarMath` on eight lanes, equal to them bit for bit.
enum VectorMath {
  @inline(__always)
  static func bits(_ x: Doubles) -> SIMD8<Int64> { unsafe unsafeBitCast(x, to: SIMD8<Int64>.self) }

  @inline(__always)
  static func doubles(_ x: SIMD8<Int64>) -> Doubles { unsafe unsafeBitCast(x, to: Doubles.self) }

  @inline(__always)
  static func magnitudes(_ x: Doubles) -> Doubles { doubles(bits(x) & Int64.max) }

  /// The value with its sign turned where `sign` has the sign bit.
  @inline(__always)
  static func withSign(_ value: Doubles, of sign: Doubles) -> Doubles {
    doubles(bits(value) ^ (bits(sign) & Int64.min))
  }

  @inline(__always)
  static func clamp(_ x: Doubles, _ bound: Double) -> Doubles {
    x.replacing(with: bound, where: x .> bound).replacing(with: -bound, where: x .< -bound)
  }

  @inline(__always)
  static func relu(_ x: Lanes) -> Lanes { x.replacing(with: 0, where: x .<= 0) }

  @inline(__always)
  static func exponential(_ argument: Doubles) -> Doubles {
    let x = clamp(argument, 708)
    let magic = Doubles(repeating: ScalarMath.roundingMagic)
    let shifted = magic.addingProduct(x, Doubles(repeating: MathConstant.log2e))
    let whole = shifted - magic
    let r = x.addingProduct(whole, Doubles(repeating: -MathConstant.ln2High))
      .addingProduct(whole, Doubles(repeating: -MathConstant.ln2Low))
    let fraction = 1 + r.addingProduct(r * r, Polynomial.exponential(r))
    return doubles(bits(fraction) &+ (bits(shifted) &<< 52))
  }

  @inline(__always)
  static func twiceInverseHyperbolicTangent(_ s: Doubles) -> Doubles {
    let z = s * s
    let twice = s + s
    return twice.addingProduct(twice * z, Polynomial.inverseHyperbolicTangent(z))
  }

  @inline(__always)
  static func logarithm(_ x: Doubles) -> Doubles {
    let exponent = (bits(x) &- MathConstant.sqrtHalfBits) &>> 52
    let mantissa = doubles(bits(x) &- (exponent &<< 52))
    let magic = Doubles(repeating: ScalarMath.roundingMagic)
    // A small integer added to the pattern of the magic number is that number plus the integer.
    let whole = doubles(exponent &+ bits(magic)) - magic
    let series = twiceInverseHyperbolicTangent((mantissa - 1) / (mantissa + 1))
    return series.addingProduct(whole, Doubles(repeating: MathConstant.ln2High))
      .replacing(with: x, where: x .== .infinity)
      .replacing(with: .nan, where: .!(x .> 0))
      .replacing(with: -.infinity, where: x .== 0)
  }

  @inline(__always)
  static func logarithmOfOnePlus(_ u: Doubles) -> Doubles {
    twiceInverseHyperbolicTangent(u / (2 + u))
  }

  @inline(__always)
  static func sigmoid(_ x: Doubles) -> Doubles { 1 / (1 + exponential(-x)) }

  @inline(__always)
  static func tanh(_ x: Doubles) -> Doubles {
    let z = x * x
    let series = Doubles(repeating: MathConstant.tanhThird)
      .addingProduct(z, Doubles(repeating: MathConstant.tanhFifth))
    let small = x.addingProduct(x * z, series)
    let a = magnitudes(x)
    let e = exponential(-2 * a)
    return withSign((1 - e) / (1 + e), of: x).replacing(with: small, where: a .< 0.01)
  }

  @inline(__always)
  private static func upperComplement(_ a: Doubles) -> Doubles {
    let bounded = a.replacing(with: 12, where: a .> 12)
    let t = 1 / Doubles(repeating: 1).addingProduct(Doubles(repeating: 0.4), bounded)
    return exponential(-(a * a)) * Polynomial.scaledComplement(t)
  }

  @inline(__always)
  static func erf(_ x: Doubles) -> Doubles {
    let a = magnitudes(x)
    let large = withSign(1 - upperComplement(a), of: x)
    return large.replacing(with: x * Polynomial.errorFunction(x * x), where: a .< 0.75)
  }

  @inline(__always)
  static func erfc(_ x: Doubles) -> Doubles {
    let a = magnitudes(x)
    let upper = upperComplement(a)
    return upper.replacing(with: 2 - upper, where: x .< 0)
      .replacing(with: 1 - x * Polynomial.errorFunction(x * x), where: a .< 0.75)
  }

  @inline(__always)
  static func sine(_ x: Doubles) -> Doubles {
    let a = magnitudes(x)
    let y = a.replacing(
      with: (MathConstant.pi - a) + MathConstant.piLow, where: a .> MathConstant.piHalf)
    let z = y * y
    return withSign(y.addingProduct(y * z, Polynomial.sine(z)), of: x)
  }

  @inline(__always)
  static func arctangent(_ x: Doubles) -> Doubles {
    let a = magnitudes(x)
    let isFar = a .> MathConstant.tanThreeEighths
    let isMiddle = a .> MathConstant.tanEighth
    let numerator = a.replacing(with: a - 1, where: isMiddle).replacing(with: -1, where: isFar)
    let denominator = Doubles(repeating: 1).replacing(with: a + 1, where: isMiddle)
      .replacing(with: a, where: isFar)
    let q = numerator / denominator
    let z = q * q
    let offset = Doubles(repeating: 0).replacing(with: MathConstant.piQuarter, where: isMiddle)
      .replacing(with: MathConstant.piHalf, where: isFar)
    return withSign(offset + q.addingProduct(q * z, Polynomial.arctangent(z)), of: x)
  }

  /// The iteration of `reciprocalSquareRoot`, right for positive finite lanes.
  ///
  /// It runs on the magnitude because the seed of a negative number leads to subnormal products,
  /// which take the processor ten times as long.
  @inline(__always)
  private static func inverseRoot(_ value: Doubles) -> Doubles {
    let x = magnitudes(value)
    let seed = Int64(bitPattern: MathConstant.inverseRootSeed)
    var y = doubles(seed &- (bits(x) &>> 1))
    for _ in 0..<3 {
      let e = Doubles(repeating: 1).addingProduct(-(x * y), y)
      let factor = Doubles(repeating: 0.5).addingProduct(e, Doubles(repeating: 0.375))
      y = y.addingProduct(y * e, factor)
    }
    return y
  }

  @inline(__always)
  static func reciprocalSquareRoot(_ x: Doubles) -> Doubles {
    inverseRoot(x)
      .replacing(with: 0, where: x .== .infinity)
      .replacing(with: .nan, where: .!(x .> 0))
      .replacing(with: 1 / x, where: x .== 0)
  }

  /// Rounds to the same fp32 as IEEE 754 `squareRoot`: the root of a 24-bit number is never so near
  /// the middle of two fp32 numbers that the last bits of fp64 would matter.
  @inline(__always)
  static func squareRoot(_ x: Doubles) -> Doubles {
    let y = inverseRoot(x)
    let root = x * y
    let remainder = x.addingProduct(-root, root)
    return root.addingProduct(remainder, 0.5 * y)
      .replacing(with: .nan, where: .!(x .> 0))
      .replacing(with: x, where: x .== 0 .| x .== .infinity)
  }

  @inline(__always)
  static func isInteger(_ y: Doubles) -> SIMDMask<SIMD8<Int64>> {
    let magic = ScalarMath.roundingMagic
    return magnitudes(y) .>= 0x1p51 .| (y + magic) - magic .== y
  }

  @inline(__always)
  static func power(_ x: Doubles, _ y: Doubles) -> Doubles {
    let isWhole = isInteger(y)
    let isOdd = isWhole .& .!isInteger(y * 0.5)
    let value = exponential(y * logarithm(magnitudes(x)))
    let signed = value.replacing(with: withSign(value, of: x), where: isOdd)
    let isUndefined = x .< 0 .& x .!= -.infinity .& .!isWhole
    let isOne = x .== 1 .| y .== 0 .| (x .== -1 .& magnitudes(y) .== .infinity)
    return signed.replacing(with: .nan, where: isUndefined).replacing(with: 1, where: isOne)
  }
}
