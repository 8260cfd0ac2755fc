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
    case .mean:
      let part = try element(.multiply, gradient, constant(1 / Double(inputs.count)))
      for input in inputs { try contribute(part, to: input) }
    case .modulo, .remainder: try remainder(node, gradient)
    case .prelu: try prelu(node, gradient)
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

  /// d(a^b) = b·a^(b−1)·da + y·ln a·db; an exponent moves nothing where the base is not above 0.
  private mutating func power(_ node: Node, _ gradient: String) throws(GraphError) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    if isActive(a) {
      let lower = try element(.power, a, element(.subtract, b, constant(1)))
      try contribute(element(.multiply, gradient, element(.multiply, b, lower)), to: a)
    }
    guard isActive(b) else { return }
    let isAbove = try element(.greater, a, constant(0))
    let logarithm = try element(.log, element(.select, isAbove, a, constant(1)))
    try contribute(
      element(.multiply, gradient, element(.multiply, node.outputs[0], logarithm)), to: b)
  }

  /// The gradient goes to the first of the inputs that are as good as all others.
  private mutating func extreme(
    _ function: ElementwiseFunction, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    let test: ElementwiseFunction = function == .maximum ? .greaterOrEqual : .lessOrEqual
    let zero = try constant(0)
    var rest = gradient
    for (place, input) in node.inputs.enumerated() {
      let later = Array(node.inputs[(place + 1)...])
      guard let next = later.first else { return try contribute(rest, to: input) }
      // What is left at this place is not due to an earlier input: only later ones can be better.
      let other =
        later.count == 1
        ? next
        : try made(.elementwise(Elementwise(function)), later)
      let isBest = try element(test, input, other)
      try contribute(element(.select, isBest, rest, zero), to: input)
      rest = try element(.select, isBest, zero, rest)
    }
  }

  /// da of a remainder is dY, db is −dY times how often b went into a.
  private mutating func remainder(_ node: Node, _ gradient: String) throws(GraphError) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    try contribute(gradient, to: a)
    guard isActive(b) else { return }
    let times = try element(
      .round, element(.divide, element(.subtract, a, node.outputs[0]), b))
    try contribute(element(.negate, element(.multiply, gradient, times)), to: b)
  }

  /// a·b where a is below 0, else a.
  private mutating func prelu(_ node: Node, _ gradient: String) throws(GraphError) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    let isBelow = try element(.less, a, constant(0))
    if isActive(a) {
      try contribute(
        element(.multiply, gradient, element(.select, isBelow, b, constant(1))), to: a)
    }
    guard isActive(b) else { return }
    try contribute(element(.multiply, gradient, element(.select, isBelow, a, constant(0))), to: b)
  }

  /// d(swish(a)·b) = swish′(a)·b·da + swish(a)·db.
  mutating func gatedSwish(_ gate: GatedSwish, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (a, b) = (node.inputs[0], node.inputs[1])
    let scaled = gate.alpha == 1 ? a : try element(.multiply, a, constant(gate.alpha))
    let share = try element(.sigmoid, scaled)
    if isActive(a) {
      let slope = try swishSlope(share, scaled)
      try contribute(element(.multiply, element(.multiply, gradient, b), slope), to: a)
    }
    guard isActive(b) else { return }
    try contribute(element(.multiply, gradient, element(.multiply, a, share)), to: b)
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
}
