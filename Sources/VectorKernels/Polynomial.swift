/// What a polynomial needs of its argument: the same code then serves one value and eight.
protocol MathValue {
  init(repeating value: Double)
  func addingProduct(_ left: Self, _ right: Self) -> Self
}

extension SIMD8: MathValue where Scalar == Double {}

extension Double: MathValue {
  init(repeating value: Double) { self = value }
}

/// Minimax polynomials in fp64, by Horner's rule with fused multiply-add.
///
/// Coefficients come from a Remez exchange in 50 digits; each comment states the largest error of
/// the function built on the polynomial, relative to the function. All are far below the 2^-24 of
/// the fp32 results, so that one rounding decides the last bit.
enum Polynomial {
  /// `(e^r - 1 - r) / r^2` for |r| <= ln(2) / 2; e^r is good to 1.17e-12.
  @inline(__always)
  static func exponential<Value: MathValue>(_ r: Value) -> Value {
    var sum = Value(repeating: 0x1.a18c0989636b4p-16)
    sum = Value(repeating: 0x1.a1879c12058a0p-13).addingProduct(sum, r)
    sum = Value(repeating: 0x1.6c1622144c659p-10).addingProduct(sum, r)
    sum = Value(repeating: 0x1.1110a0da40dccp-7).addingProduct(sum, r)
    sum = Value(repeating: 0x1.5555558ad8e34p-5).addingProduct(sum, r)
    sum = Value(repeating: 0x1.5555557ec75b4p-3).addingProduct(sum, r)
    sum = Value(repeating: 0x1.ffffffffeabacp-2).addingProduct(sum, r)
    return sum
  }

  /// `(atanh(s) / s - 1) / z` with z = s^2, |s| <= 1/3; good to 2.81e-12.
  @inline(__always)
  static func inverseHyperbolicTangent<Value: MathValue>(_ z: Value) -> Value {
    var sum = Value(repeating: 0x1.be6fee2cc8536p-4)
    sum = Value(repeating: 0x1.5f2631171b417p-4).addingProduct(sum, z)
    sum = Value(repeating: 0x1.c8bd310376da6p-4).addingProduct(sum, z)
    sum = Value(repeating: 0x1.248a4f0b0f8b1p-3).addingProduct(sum, z)
    sum = Value(repeating: 0x1.9999bd51b2026p-3).addingProduct(sum, z)
    sum = Value(repeating: 0x1.5555553ac887fp-2).addingProduct(sum, z)
    return sum
  }

  /// `(sin(x) / x - 1) / z` with z = x^2, |x| <= pi / 2; good to 6.85e-14.
  @inline(__always)
  static func sine<Value: MathValue>(_ z: Value) -> Value {
    var sum = Value(repeating: 0x1.52db92d22ffbfp-33)
    sum = Value(repeating: -0x1.ae03f3814883ep-26).addingProduct(sum, z)
    sum = Value(repeating: 0x1.71dcf833f6817p-19).addingProduct(sum, z)
    sum = Value(repeating: -0x1.a019fd58e4597p-13).addingProduct(sum, z)
    sum = Value(repeating: 0x1.1111110a54bdfp-7).addingProduct(sum, z)
    sum = Value(repeating: -0x1.555555554711ep-3).addingProduct(sum, z)
    return sum
  }

  /// `(atan(x) / x - 1) / z` with z = x^2, |x| <= tan(pi / 8); good to 7.65e-13.
  @inline(__always)
  static func arctangent<Value: MathValue>(_ z: Value) -> Value {
    var sum = Value(repeating: -0x1.36f2c25f542fcp-5)
    sum = Value(repeating: 0x1.1e70f2a91a08cp-4).addingProduct(sum, z)
    sum = Value(repeating: -0x1.708785bcb06a4p-4).addingProduct(sum, z)
    sum = Value(repeating: 0x1.c6d2786588414p-4).addingProduct(sum, z)
    sum = Value(repeating: -0x1.2490c718791ebp-3).addingProduct(sum, z)
    sum = Value(repeating: 0x1.99999217e2f49p-3).addingProduct(sum, z)
    sum = Value(repeating: -0x1.5555554efed64p-2).addingProduct(sum, z)
    return sum
  }

  /// `erf(x) / x` with z = x^2, |x| <= 0.75; good to 3.93e-13.
  @inline(__always)
  static func errorFunction<Value: MathValue>(_ z: Value) -> Value {
    var sum = Value(repeating: -0x1.87bcf4f7e5115p-17)
    sum = Value(repeating: 0x1.edbb32f5280d4p-14).addingProduct(sum, z)
    sum = Value(repeating: -0x1.bf7c935abec98p-11).addingProduct(sum, z)
    sum = Value(repeating: 0x1.56560c3ce1010p-8).addingProduct(sum, z)
    sum = Value(repeating: -0x1.b82caee5165fep-6).addingProduct(sum, z)
    sum = Value(repeating: 0x1.ce2f20b75c3d1p-4).addingProduct(sum, z)
    sum = Value(repeating: -0x1.812746aeab26dp-2).addingProduct(sum, z)
    sum = Value(repeating: 0x1.20dd750429481p0).addingProduct(sum, z)
    return sum
  }

  /// `e^(x^2) erfc(x)` with t = 1 / (1 + 0.4 x), 0.74 <= x <= 12; good to 5.05e-13.
  @inline(__always)
  static func scaledComplement<Value: MathValue>(_ t: Value) -> Value {
    var sum = Value(repeating: 0x1.c2435b85b8946p-6)
    sum = Value(repeating: -0x1.39aaa29cfeb60p-3).addingProduct(sum, t)
    sum = Value(repeating: 0x1.5ef87280d2660p-2).addingProduct(sum, t)
    sum = Value(repeating: -0x1.801a94dd42f5ep-2).addingProduct(sum, t)
    sum = Value(repeating: 0x1.b39780f6990a1p-3).addingProduct(sum, t)
    sum = Value(repeating: -0x1.d66bda1459010p-4).addingProduct(sum, t)
    sum = Value(repeating: 0x1.6a80ef81e9cf3p-5).addingProduct(sum, t)
    sum = Value(repeating: 0x1.07668fcebd027p-4).addingProduct(sum, t)
    sum = Value(repeating: 0x1.eec81170782eap-4).addingProduct(sum, t)
    sum = Value(repeating: 0x1.6023b13c2f47ap-3).addingProduct(sum, t)
    sum = Value(repeating: 0x1.a906a36b15d60p-3).addingProduct(sum, t)
    sum = Value(repeating: 0x1.ce34bf92bb76fp-3).addingProduct(sum, t)
    sum = Value(repeating: 0x1.ce2ec1ed7f146p-3).addingProduct(sum, t)
    sum = Value(repeating: 0x1.617578195c755p-26).addingProduct(sum, t)
    return sum
  }
}
