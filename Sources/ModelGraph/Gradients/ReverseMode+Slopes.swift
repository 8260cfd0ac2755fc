import Foundation

/// Derivatives of functions of one element.
extension ReverseMode {
  /// dy/dx of a function of one input.
  mutating func slope(_ operation: Elementwise, _ node: Node, x: String, y: String)
    throws(GraphError) -> String
  {
    let one = try constant(1)
    switch operation.function {
    case .abs: return try element(.sign, x)
    case .negate: return try constant(-1)
    case .exp: return y
    case .log: return try element(.reciprocal, x)
    case .sqrt: return try element(.divide, constant(0.5), y)
    case .reciprocal: return try element(.negate, element(.multiply, y, y))
    case .sigmoid: return try element(.multiply, y, element(.subtract, one, y))
    case .tanh: return try element(.subtract, one, element(.multiply, y, y))
    case .sin: return try element(.cos, x)
    case .cos: return try element(.negate, element(.sin, x))
    case .softplus: return try element(.sigmoid, x)
    case .erf:
      return try element(.multiply, constant(2 / Double.pi.squareRoot()), bell(x, width: 1))
    case .gelu:
      let below = try element(.erf, element(.multiply, x, constant(0.5.squareRoot())))
      let share = try element(.multiply, constant(0.5), element(.add, one, below))
      let density = try element(
        .multiply, constant(1 / (2 * Double.pi).squareRoot()), bell(x, width: 2))
      return try element(.add, share, element(.multiply, x, density))
    case .geluTanh: return try geluTanhSlope(x)
    case .swish:
      // s + α·x·s·(1 − s), s the sigmoid of α·x.
      let scaled =
        operation.alpha == 1 ? x : try element(.multiply, x, constant(operation.alpha))
      return try swishSlope(element(.sigmoid, scaled), scaled)
    case .leakyRelu:
      let isPositive = try element(.greater, x, constant(0))
      return try element(.select, isPositive, one, constant(operation.alpha))
    default: return try rareSlope(operation, node, x: x, y: y)
    }
  }

  /// exp(−x² / width).
  private mutating func bell(_ x: String, width: Double) throws(GraphError) -> String {
    try element(.exp, element(.multiply, element(.multiply, x, x), constant(-1 / width)))
  }

  /// With u = c·(x + 0.044715·x³) and t = tanh u: (1 + t)/2 + x·(1 − t²)·c·(1 + 3·0.044715·x²)/2.
  private mutating func geluTanhSlope(_ x: String) throws(GraphError) -> String {
    let one = try constant(1)
    let half = try constant(0.5)
    let factor = (2 / Double.pi).squareRoot()
    let square = try element(.multiply, x, x)
    let cubic = try element(.add, one, element(.multiply, square, constant(0.044715)))
    let inner = try element(.multiply, element(.multiply, x, cubic), constant(factor))
    let t = try element(.tanh, inner)
    let growth = try element(.add, one, element(.multiply, square, constant(3 * 0.044715)))
    let steep = try element(.subtract, one, element(.multiply, t, t))
    let tail = try element(
      .multiply, element(.multiply, x, steep), element(.multiply, growth, constant(factor)))
    return try element(.multiply, half, element(.add, element(.add, one, t), tail))
  }

  /// s + u·s·(1 − s), s the sigmoid of u.
  mutating func swishSlope(_ share: String, _ scaled: String) throws(GraphError) -> String {
    let one = try constant(1)
    let rest = try element(.multiply, scaled, element(.subtract, one, share))
    return try element(.multiply, share, element(.add, one, rest))
  }

  /// dy/dx of functions that are made of pieces, and of those of angles.
  private mutating func rareSlope(_ operation: Elementwise, _ node: Node, x: String, y: String)
    throws(GraphError) -> String
  {
    let (zero, one) = (try constant(0), try constant(1))
    switch operation.function {
    case .elu, .selu:
      // Below 0 the slope is the value plus alpha, times the factor that selu has outside.
      let factor = operation.function == .selu ? operation.beta : 1
      let below = try element(.add, y, constant(factor * operation.alpha))
      return try element(.select, isAbove(x, 0), constant(factor), below)
    case .celu:
      let scaled = try element(.multiply, y, constant(1 / operation.alpha))
      return try element(.select, isAbove(x, 0), one, element(.add, scaled, one))
    case .hardSigmoid:
      let inside = try element(.and, element(.greater, y, zero), element(.less, y, one))
      return try element(.select, inside, constant(operation.alpha), zero)
    case .hardSwish:
      let middle = try element(
        .add, element(.multiply, x, constant(1.0 / 3)), constant(0.5))
      let rising = try element(.select, isAbove(x, -3), middle, zero)
      return try element(.select, isAbove(x, 3), one, rising)
    case .mish:
      let t = try element(.tanh, element(.softplus, x))
      let steep = try element(.subtract, one, element(.multiply, t, t))
      let tail = try element(.multiply, element(.multiply, x, steep), element(.sigmoid, x))
      return try element(.add, t, tail)
    case .softsign:
      let wide = try element(.add, one, element(.abs, x))
      return try element(.reciprocal, element(.multiply, wide, wide))
    case .shrink:
      let isFar = try element(.greater, element(.abs, x), constant(operation.alpha))
      return try element(.select, isFar, one, zero)
    case .thresholdedRelu:
      return try element(.select, isAbove(x, operation.alpha), one, zero)
    default: return try angleSlope(operation.function, node, x: x, y: y)
    }
  }

  private mutating func isAbove(_ x: String, _ limit: Double) throws(GraphError) -> String {
    try element(.greater, x, constant(limit))
  }

  private mutating func angleSlope(
    _ function: ElementwiseFunction, _ node: Node, x: String, y: String
  ) throws(GraphError) -> String {
    let one = try constant(1)
    switch function {
    case .tan: return try element(.add, one, element(.multiply, y, y))
    case .sinh: return try element(.cosh, x)
    case .cosh: return try element(.sinh, x)
    default: break
    }
    let square = try element(.multiply, x, x)
    switch function {
    case .atan: return try element(.reciprocal, element(.add, one, square))
    case .atanh: return try element(.reciprocal, element(.subtract, one, square))
    case .asin, .acos:
      let slope = try element(.reciprocal, element(.sqrt, element(.subtract, one, square)))
      return function == .asin ? slope : try element(.negate, slope)
    case .asinh: return try element(.reciprocal, element(.sqrt, element(.add, square, one)))
    case .acosh: return try element(.reciprocal, element(.sqrt, element(.subtract, square, one)))
    default: throw missingRule(node)
    }
  }
}
