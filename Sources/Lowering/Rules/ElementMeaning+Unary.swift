import InstructionSet
import KernelLibrary
import ModelGraph

extension ElementMeaning {
  /// Functions of one input.
  static func unary(
    _ elementwise: Elementwise, _ application: Application, _ chain: inout ElementChain
  ) throws(LoweringError) -> ElementChain.Value {
    let x = application.values[0]
    let (alpha, beta) = (Float(elementwise.alpha), Float(elementwise.beta))
    switch elementwise.function {
    case .abs: return chain.function(.abs, x)
    case .identity: return x
    case .negate: return chain.negated(x)
    case .sign: return chain.function(.sign, x)
    case .not: return chain.arithmetic(.isEqual, x, .constant(0))
    case .reciprocal: return chain.arithmetic(.divide, .constant(1), x)
    case .sqrt: return chain.function(.sqrt, x)
    case .exp: return chain.function(.exp, x)
    case .log: return chain.function(.log, x)
    case .erf: return chain.function(.erf, x)
    case .ceil: return application.isWhole ? x : chain.ceiling(x)
    case .floor: return application.isWhole ? x : chain.floor(x)
    case .round: return application.isWhole ? x : chain.rounded(x)
    case .isNaN: return chain.arithmetic(.notEqual, x, x)
    case .isInfinite: return infinite(x, alpha, beta, &chain)
    case .bitwiseNot: return chain.arithmetic(.bitwiseXor, x, .constant(-1))
    default:
      return circular(elementwise.function, x, &chain)
        ?? activation(elementwise.function, x, alpha, beta, &chain)
    }
  }

  private static func infinite(
    _ x: ElementChain.Value, _ low: Float, _ high: Float, _ chain: inout ElementChain
  ) -> ElementChain.Value {
    if low != 0, high != 0 {
      return chain.arithmetic(.isEqual, chain.function(.abs, x), .constant(.infinity))
    }
    if low == 0, high == 0 { return chain.arithmetic(.isEqual, .constant(0), .constant(1)) }
    return chain.arithmetic(.isEqual, x, .constant(high != 0 ? .infinity : -.infinity))
  }

  /// Circular and hyperbolic functions and their inverses; nil for others.
  private static func circular(
    _ function: ElementwiseFunction, _ x: ElementChain.Value, _ chain: inout ElementChain
  ) -> ElementChain.Value? {
    switch function {
    case .sin: chain.sine(x)
    case .cos: chain.cosine(x)
    case .tan: chain.tangent(x)
    case .asin: chain.arcSine(x)
    case .acos: chain.arcCosine(x)
    case .atan: chain.function(.arctan, x)
    case .sinh: chain.hyperbolicSine(x)
    case .cosh: chain.hyperbolicCosine(x)
    case .tanh: chain.function(.tanh, x)
    case .asinh: chain.areaSine(x)
    case .acosh: chain.areaCosine(x)
    case .atanh: chain.areaTangent(x)
    default: nil
    }
  }

  /// Functions between the layers of networks.
  private static func activation(
    _ function: ElementwiseFunction, _ x: ElementChain.Value, _ alpha: Float, _ beta: Float,
    _ chain: inout ElementChain
  ) -> ElementChain.Value {
    switch function {
    case .sigmoid: return chain.function(.sigmoid, x)
    case .softplus: return chain.function(.softplus, x)
    case .gelu: return chain.function(.gelu, x)
    case .geluTanh: return chain.function(.geluTanh, x)
    case .mish: return chain.function(.mish, x)
    case .swish:
      if alpha == 1 { return chain.function(.silu, x) }
      return chain.arithmetic(.multiply, chain.function(.sigmoid, x, scale: alpha), x)
    case .softsign:
      let below = chain.arithmetic(.add, chain.function(.abs, x), .constant(1))
      return chain.arithmetic(.divide, x, below)
    case .hardSigmoid: return ramp(x, alpha, beta, &chain)
    case .hardSwish: return chain.arithmetic(.multiply, ramp(x, 1 / 6, 0.5, &chain), x)
    case .elu: return bent(x, alpha: alpha, width: 1, scale: 1, &chain)
    case .celu: return bent(x, alpha: alpha, width: alpha, scale: 1, &chain)
    case .selu: return bent(x, alpha: alpha, width: 1, scale: beta, &chain)
    case .leakyRelu: return slope(x, .constant(alpha), &chain)
    case .thresholdedRelu:
      let isAbove = chain.arithmetic(.greaterThan, x, .constant(alpha))
      return chain.select(isAbove, x, .constant(0))
    case .shrink:
      let isAbove = chain.arithmetic(.greaterThan, x, .constant(alpha))
      let isBelow = chain.arithmetic(.lessThan, x, .constant(-alpha))
      let less = chain.arithmetic(.subtract, x, .constant(beta))
      let more = chain.arithmetic(.add, x, .constant(beta))
      let rest = chain.select(isBelow, more, .constant(0))
      return chain.select(isAbove, less, rest)
    default: return chain.arithmetic(.max, x, .constant(0))
    }
  }

  /// alpha · x + beta, within 0 and 1.
  private static func ramp(
    _ x: ElementChain.Value, _ alpha: Float, _ beta: Float, _ chain: inout ElementChain
  ) -> ElementChain.Value {
    let scaled = chain.arithmetic(.multiply, x, .constant(alpha))
    let moved = chain.arithmetic(.add, scaled, .constant(beta))
    return chain.clipped(moved, low: .constant(0), high: .constant(1))
  }

  /// scale · (x where it is positive, else alpha · (e^(x / width) − 1)).
  private static func bent(
    _ x: ElementChain.Value, alpha: Float, width: Float, scale: Float,
    _ chain: inout ElementChain
  ) -> ElementChain.Value {
    let positive = chain.arithmetic(.max, x, .constant(0))
    let negative = chain.arithmetic(.min, x, .constant(0))
    let argument =
      width == 1 ? negative : chain.arithmetic(.multiply, negative, .constant(1 / width))
    let curve = chain.arithmetic(
      .multiply, chain.exponentialMinusOne(argument), .constant(alpha))
    let sum = chain.arithmetic(.add, positive, curve)
    return scale == 1 ? sum : chain.arithmetic(.multiply, sum, .constant(scale))
  }

  /// x where it is positive, else x · slope.
  static func slope(
    _ x: ElementChain.Value, _ slope: ElementChain.Value, _ chain: inout ElementChain
  ) -> ElementChain.Value {
    let positive = chain.arithmetic(.max, x, .constant(0))
    let negative = chain.arithmetic(.min, x, .constant(0))
    let part = chain.arithmetic(.multiply, negative, slope)
    return chain.arithmetic(.add, part, positive)
  }
}
