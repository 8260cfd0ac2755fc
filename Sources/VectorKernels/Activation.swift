/// The scalar engine's activation on rows: `function(source * scale + bias)`.
public enum Activation {
  /// `destination[i] = function(fma(source[i], scale, bias))`.
  ///
  /// `parameter` is the slope of `prelu`. The destination is the source or disjoint from it.
  /// `ActivationFunction.reference` of the same fused multiply-add is the scalar reference.
  public static func apply(
    _ function: ActivationFunction, _ source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int, scale: Float = 1, bias: Float = 0,
    parameter: Float = 0
  ) {
    let row = unsafe ActivationRow(source, destination, count, scale, bias)
    switch function {
    case .identity: row.map { $0 }
    case .relu: row.map(VectorMath.relu)
    case .prelu: row.map { $0.replacing(with: parameter * $0, where: $0 .< 0) }
    case .reciprocal: row.map { 1 / $0 }
    case .square: row.map { $0 * $0 }
    case .abs: row.map(magnitude)
    case .sign:
      row.map { $0.replacing(with: 1, where: $0 .> 0).replacing(with: -1, where: $0 .< 0) }
    default: applyTranscendental(function, row)
    }
  }

  /// As `apply`, and returns the sum of the results by `Reduction`'s fixed tree.
  public static func applyAndSum(
    _ function: ActivationFunction, _ source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int, scale: Float = 1, bias: Float = 0,
    parameter: Float = 0
  ) -> Float {
    unsafe apply(
      function, source, into: destination, count: count, scale: scale, bias: bias,
      parameter: parameter)
    return unsafe Reduction.reduce(.add, destination, count: count)
  }

  private static func applyTranscendental(_ function: ActivationFunction, _ row: ActivationRow) {
    switch function {
    case .exp: row.mapInDoubles(VectorMath.exponential)
    case .log: row.mapInDoubles(VectorMath.logarithm)
    case .tanh: row.mapInDoubles(VectorMath.tanh)
    case .sigmoid: row.mapInDoubles(VectorMath.sigmoid)
    case .silu: row.mapInDoubles { floor($0) * VectorMath.sigmoid($0) }
    case .siluDerivative: row.mapInDoubles { gatedDerivative($0, 1) }
    case .gelu:
      row.mapInDoubles { floor($0) * (0.5 * VectorMath.erfc(-$0 * MathConstant.sqrtHalf)) }
    case .geluDerivative: row.mapInDoubles(geluSlope)
    case .geluTanh: row.mapInDoubles { floor($0) * VectorMath.sigmoid(geluTanhArgument($0)) }
    case .geluSigmoid:
      row.mapInDoubles { floor($0) * VectorMath.sigmoid(MathConstant.geluSigmoidScale * $0) }
    case .geluSigmoidDerivative:
      row.mapInDoubles { gatedDerivative($0, MathConstant.geluSigmoidScale) }
    case .sqrt: row.mapInDoubles(VectorMath.squareRoot)
    case .rsqrt: row.mapInDoubles(VectorMath.reciprocalSquareRoot)
    case .sin: row.mapInDoubles(VectorMath.sine)
    case .arctan: row.mapInDoubles(VectorMath.arctangent)
    case .erf: row.mapInDoubles(VectorMath.erf)
    case .erfDerivative:
      row.mapInDoubles { MathConstant.twoOverSqrtPi * VectorMath.exponential(-($0 * $0)) }
    case .softplus: row.mapInDoubles(softplus)
    default: row.mapInDoubles(mish)
    }
  }

  @inline(__always)
  private static func floor(_ x: Doubles) -> Doubles {
    x.replacing(with: -MathConstant.saturation, where: x .< -MathConstant.saturation)
  }

  @inline(__always)
  private static func gatedDerivative(_ x: Doubles, _ scale: Double) -> Doubles {
    let bounded = VectorMath.clamp(x, MathConstant.saturation)
    let gate = VectorMath.sigmoid(scale * bounded)
    let rest = VectorMath.sigmoid(-(scale * bounded))
    return gate.addingProduct(scale * bounded * gate, rest)
  }

  @inline(__always)
  private static func geluSlope(_ x: Doubles) -> Doubles {
    let bounded = VectorMath.clamp(x, MathConstant.saturation)
    let below = 0.5 * VectorMath.erfc(-bounded * MathConstant.sqrtHalf)
    let density = MathConstant.normalDensity * VectorMath.exponential(-0.5 * (bounded * bounded))
    return below.addingProduct(bounded, density)
  }

  @inline(__always)
  private static func geluTanhArgument(_ x: Doubles) -> Doubles {
    let cubic = x.addingProduct(MathConstant.geluCubic * x, x * x)
    return 2 * MathConstant.sqrtTwoOverPi * cubic
  }

  @inline(__always)
  private static func softplus(_ x: Doubles) -> Doubles {
    let base = x.replacing(with: 0, where: x .< 0)
    let rest = VectorMath.exponential(-VectorMath.magnitudes(x))
    return base + VectorMath.logarithmOfOnePlus(rest)
  }

  @inline(__always)
  private static func mish(_ x: Doubles) -> Doubles {
    let u = VectorMath.exponential(x.replacing(with: 40, where: x .> 40))
    let product = u * (u + 2)
    return floor(x) * (product / (product + 2))
  }
}

/// One row of an activation with its scale and bias.
@safe
struct ActivationRow {
  private let source: UnsafePointer<Float>
  private let destination: UnsafeMutablePointer<Float>
  private let count: Int
  private let scale: Float
  private let bias: Float

  init(
    _ source: UnsafePointer<Float>, _ destination: UnsafeMutablePointer<Float>, _ count: Int,
    _ scale: Float, _ bias: Float
  ) {
    unsafe self.source = source
    unsafe self.destination = destination
    self.count = count
    self.scale = scale
    self.bias = bias
  }

  /// In bounds because the initialiser's caller proved `count` elements on both sides.
  @inline(__always)
  func map(_ function: (Lanes) -> Lanes) {
    let (scales, biases) = (Lanes(repeating: scale), Lanes(repeating: bias))
    unsafe mapRow(source, destination, count) { function(biases.addingProduct($0, scales)) }
  }

  @inline(__always)
  func mapInDoubles(_ function: (Doubles) -> Doubles) {
    forEachDoubleChunk(count, rows: 1) { start, length, row, _ in
      row.fill(length) { unsafe bias.addingProduct(source[start &+ $0], scale) }
      unsafe storeRounded(length, destination + start) { function(row.lanes($0)) }
    }
  }
}
