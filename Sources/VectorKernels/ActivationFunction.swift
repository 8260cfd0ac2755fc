/// The functions of the scalar engine's activation instruction, in our own arithmetic.
///
/// fp32 in, fp32 out. Those that are not exact are evaluated in fp64 by polynomials good to about
/// 1e-12 and rounded once, so every one stays within 0.501 units in the last place of the true
/// value over its valid range (measured in the tests; a correctly rounded function has 0.5). NaN
/// gives NaN. Source of the list and of the valid ranges: the activation table of the public NKI
/// language reference. Unlike the device, which promises nothing outside a range, only `sin` gives
/// garbage here.
public enum ActivationFunction: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// x. Exact.
  case identity
  /// e^x. 0.501 ulp.
  case exp
  /// Natural logarithm; -infinity at 0, NaN below. 0.501 ulp.
  case log
  /// Hyperbolic tangent. 0.501 ulp.
  case tanh
  /// 1 / (1 + e^-x). 0.501 ulp.
  case sigmoid
  /// x sigmoid(x). 0.501 ulp.
  case silu
  /// The derivative of `silu`. 0.501 ulp but near its zero, where the absolute error is 1e-12.
  case siluDerivative
  /// x times the normal distribution, by `erf`. 0.501 ulp.
  case gelu
  /// The derivative of `gelu`. 0.501 ulp but near its zero.
  case geluDerivative
  /// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). 0.501 ulp.
  case geluTanh
  /// x sigmoid(1.702 x). 0.501 ulp.
  case geluSigmoid
  /// The derivative of `geluSigmoid`. 0.501 ulp but near its zero.
  case geluSigmoidDerivative
  /// The larger of x and 0. Exact.
  case relu
  /// x, or the parameter times x where x is negative. Correctly rounded.
  case prelu
  /// Square root; NaN below 0. Correctly rounded.
  case sqrt
  /// 1 / sqrt(x). 0.501 ulp.
  case rsqrt
  /// 1 / x. Correctly rounded.
  case reciprocal
  /// x^2. Correctly rounded.
  case square
  /// |x|. Exact.
  case abs
  /// -1, 0 or 1. Exact.
  case sign
  /// Sine, for arguments in [-pi, pi]; beyond them the result is garbage, as on the device. 0.501
  /// ulp.
  case sin
  /// Arctangent. 0.501 ulp.
  case arctan
  /// The error function. 0.501 ulp.
  case erf
  /// 2 / sqrt(pi) e^(-x^2). 0.501 ulp.
  case erfDerivative
  /// ln(1 + e^x). 0.501 ulp.
  case softplus
  /// x tanh(softplus(x)). 0.501 ulp.
  case mish

  /// The function of one value: the scalar reference of `Activation.apply`, equal to it bit for
  /// bit.
  ///
  /// `parameter` is the slope of `prelu`; the others do not look at it.
  public func reference(_ value: Float, parameter: Float = 0) -> Float {
    switch self {
    case .identity: value
    case .relu: value <= 0 ? 0 : value
    case .prelu: value < 0 ? parameter * value : value
    case .sqrt: value.squareRoot()
    case .reciprocal: 1 / value
    case .square: value * value
    case .abs: value.magnitude
    case .sign: value > 0 ? 1 : value < 0 ? -1 : value
    default: Float(transcendental(Double(value)))
    }
  }

  private func transcendental(_ x: Double) -> Double {
    switch self {
    case .exp: ScalarMath.exponential(x)
    case .log: ScalarMath.logarithm(x)
    case .tanh: ScalarMath.tanh(x)
    case .sigmoid: ScalarMath.sigmoid(x)
    case .silu: Self.floor(x) * ScalarMath.sigmoid(x)
    case .siluDerivative: Self.gatedDerivative(x, 1)
    case .gelu: Self.floor(x) * (0.5 * ScalarMath.erfc(-x * MathConstant.sqrtHalf))
    case .geluDerivative: Self.geluSlope(x)
    case .geluTanh: Self.floor(x) * ScalarMath.sigmoid(Self.geluTanhArgument(x))
    case .geluSigmoid: Self.floor(x) * ScalarMath.sigmoid(MathConstant.geluSigmoidScale * x)
    case .geluSigmoidDerivative: Self.gatedDerivative(x, MathConstant.geluSigmoidScale)
    case .rsqrt: ScalarMath.reciprocalSquareRoot(x)
    case .sin: ScalarMath.sine(x)
    case .arctan: ScalarMath.arctangent(x)
    case .erf: ScalarMath.erf(x)
    case .erfDerivative: MathConstant.twoOverSqrtPi * ScalarMath.exponential(-(x * x))
    case .softplus: Self.softplus(x)
    default: Self.mish(x)
    }
  }

  /// Keeps a product with a vanishing factor from becoming infinity times zero.
  private static func floor(_ x: Double) -> Double {
    x < -MathConstant.saturation ? -MathConstant.saturation : x
  }

  private static func gatedDerivative(_ x: Double, _ scale: Double) -> Double {
    let bounded = ScalarMath.clamp(x, MathConstant.saturation)
    let gate = ScalarMath.sigmoid(scale * bounded)
    let rest = ScalarMath.sigmoid(-(scale * bounded))
    return gate.addingProduct(scale * bounded * gate, rest)
  }

  private static func geluSlope(_ x: Double) -> Double {
    let bounded = ScalarMath.clamp(x, MathConstant.saturation)
    let below = 0.5 * ScalarMath.erfc(-bounded * MathConstant.sqrtHalf)
    let density = MathConstant.normalDensity * ScalarMath.exponential(-0.5 * (bounded * bounded))
    return below.addingProduct(bounded, density)
  }

  private static func geluTanhArgument(_ x: Double) -> Double {
    let cubic = x.addingProduct(MathConstant.geluCubic * x, x * x)
    return 2 * MathConstant.sqrtTwoOverPi * cubic
  }

  private static func softplus(_ x: Double) -> Double {
    let base = x < 0 ? 0 : x
    return base + ScalarMath.logarithmOfOnePlus(ScalarMath.exponential(-x.magnitude))
  }

  /// tanh(ln(1 + u)) is u (u + 2) / (u (u + 2) + 2), which cancels nowhere.
  private static func mish(_ x: Double) -> Double {
    let u = ScalarMath.exponential(x > 40 ? 40 : x)
    let product = u * (u + 2)
    return floor(x) * (product / (product + 2))
  }
}
