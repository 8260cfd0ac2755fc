import Foundation

/// Operators that look at each element by itself, inputs broadcast.
extension ReverseMode {
  mutating func elementwise(_ node: Node, _ gradient: String) throws(GraphError) {
    let (inputs, result) = (node.inputs, node.outputs[0])
    let operation: Elementwise =
      switch node.operation {
      case .add: Elementwise(.add)
      case .multiply: Elementwise(.multiply)
      case .silu: Elementwise(.swish, alpha: 1)
      case .sigmoid: Elementwise(.sigmoid)
      case .relu: Elementwise(.relu)
      case .elementwise(let elementwise): elementwise
      default: throw missingRule(node)
      }
    switch operation.function {
    case .add, .sum:
      for input in inputs { try contribute(gradient, to: input) }
    case .subtract:
      try contribute(gradient, to: inputs[0])
      if isActive(inputs[1]) { try contribute(element(.negate, gradient), to: inputs[1]) }
    case .multiply:
      if isActive(inputs[0]) {
        try contribute(element(.multiply, gradient, inputs[1]), to: inputs[0])
      }
      if isActive(inputs[1]) {
        try contribute(element(.multiply, gradient, inputs[0]), to: inputs[1])
      }
    case .divide: try quotient(node, gradient)
    case .power: try power(node, gradient)
    case .maximum, .minimum: try extreme(operation.function, node, gradient)
    case .select:
      let zero = try constant(0)
      let condition = inputs[0]
      try contribute(element(.select, condition, gradient, zero), to: inputs[1])
      try contribute(element(.select, condition, zero, gradient), to: inputs[2])
    case .clip: try clip(node, gradient)
    case .relu:
      // The result is above 0 where the input is, and need not be kept beside it.
      try contribute(made(.reluGradient, gradient, result), to: inputs[0])
    case .identity: try contribute(gradient, to: inputs[0])
    case .ceil, .floor, .round, .sign: return
    default:
      guard operation.function.inputCount == 1...1, !operation.function.isTest else {
        throw missingRule(node)
      }
      let slope = try slope(operation, node, x: inputs[0], y: result)
      try contribute(element(.multiply, gradient, slope), to: inputs[0])
    }
  }

  /// d(a/b) = da/b − y·db/b.
  private mutating func quotient(_ node: Node, _ gradient: String) throws(GraphError) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    let part = try element(.divide, gradient, b)
    try contribute(part, to: a)
    guard isActive(b) else { return }
    try contribute(element(.negate, element(.multiply, part, node.outputs[0])), to: b)
  }

  /// d(a^b) = b·a^(b−1)·da; the exponent has to be constant.
  private mutating func power(_ node: Node, _ gradient: String) throws(GraphError) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    guard !isActive(b) else { throw missingRule(node, "the exponent has to be constant") }
    let lower = try element(.power, a, element(.subtract, b, constant(1)))
    try contribute(element(.multiply, gradient, element(.multiply, b, lower)), to: a)
  }

  /// The gradient goes to the first input where it is as good as the second.
  private mutating func extreme(
    _ function: ElementwiseFunction, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    guard node.inputs.count == 2 else {
      throw missingRule(node, "only two inputs have a rule")
    }
    let (a, b) = (node.inputs[0], node.inputs[1])
    let isFirst = try element(function == .maximum ? .greaterOrEqual : .lessOrEqual, a, b)
    let zero = try constant(0)
    try contribute(element(.select, isFirst, gradient, zero), to: a)
    try contribute(element(.select, isFirst, zero, gradient), to: b)
  }

  /// Clipped elements do not move with their input.
  private mutating func clip(_ node: Node, _ gradient: String) throws(GraphError) {
    let x = node.inputs[0]
    guard node.inputs.dropFirst().allSatisfy({ !isActive($0) }) else {
      throw missingRule(node, "the limits have to be constant")
    }
    var passed = gradient
    let zero = try constant(0)
    for (limit, keeps) in zip(
      node.inputs.dropFirst(), [ElementwiseFunction.greaterOrEqual, .lessOrEqual])
    where !limit.isEmpty {
      passed = try element(.select, element(keeps, x, limit), passed, zero)
    }
    try contribute(passed, to: x)
  }

  /// dy/dx of a function of one input.
  private mutating func slope(_ operation: Elementwise, _ node: Node, x: String, y: String)
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
      let s = try element(.sigmoid, scaled)
      let rest = try element(.multiply, scaled, element(.subtract, one, s))
      return try element(.multiply, s, element(.add, one, rest))
    case .leakyRelu:
      let isPositive = try element(.greater, x, constant(0))
      return try element(.select, isPositive, one, constant(operation.alpha))
    default: throw missingRule(node)
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
}
