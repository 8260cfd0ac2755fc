/// What an elementwise operator computes; the raw value is ONNX's name where it has one.
package enum ElementwiseFunction: String, Hashable, Sendable, CaseIterable {
  // One input.
  case abs = "Abs"
  case acos = "Acos"
  case acosh = "Acosh"
  case asin = "Asin"
  case asinh = "Asinh"
  case atan = "Atan"
  case atanh = "Atanh"
  case bitwiseNot = "BitwiseNot"
  case ceil = "Ceil"
  /// alpha.
  case celu = "Celu"
  case cos = "Cos"
  case cosh = "Cosh"
  /// alpha.
  case elu = "Elu"
  case erf = "Erf"
  case exp = "Exp"
  case floor = "Floor"
  /// x · Φ(x), exactly.
  case gelu = "Gelu"
  /// The approximation of Gelu by tanh.
  case geluTanh = "GeluTanh"
  /// alpha, beta: max(0, min(1, alpha · x + beta)).
  case hardSigmoid = "HardSigmoid"
  case hardSwish = "HardSwish"
  case identity = "Identity"
  /// alpha is 0 where −∞ does not count, beta where +∞ does not.
  case isInfinite = "IsInf"
  case isNaN = "IsNaN"
  /// alpha.
  case leakyRelu = "LeakyRelu"
  case log = "Log"
  case mish = "Mish"
  case negate = "Neg"
  case not = "Not"
  case reciprocal = "Reciprocal"
  case relu = "Relu"
  /// To the nearest whole number, ties to even.
  case round = "Round"
  /// alpha, beta (ONNX's gamma).
  case selu = "Selu"
  /// alpha is lambd, beta the bias.
  case shrink = "Shrink"
  case sigmoid = "Sigmoid"
  case sign = "Sign"
  case sin = "Sin"
  case sinh = "Sinh"
  case softplus = "Softplus"
  case softsign = "Softsign"
  case sqrt = "Sqrt"
  /// alpha: x · sigmoid(alpha · x).
  case swish = "Swish"
  case tan = "Tan"
  case tanh = "Tanh"
  /// alpha.
  case thresholdedRelu = "ThresholdedRelu"
  // Two inputs, broadcast.
  case add = "Add"
  case and = "And"
  case bitShiftLeft = "BitShiftLeft"
  case bitShiftRight = "BitShiftRight"
  case bitwiseAnd = "BitwiseAnd"
  case bitwiseOr = "BitwiseOr"
  case bitwiseXor = "BitwiseXor"
  case divide = "Div"
  case equal = "Equal"
  case greater = "Greater"
  case greaterOrEqual = "GreaterOrEqual"
  case less = "Less"
  case lessOrEqual = "LessOrEqual"
  /// The remainder with the sign of the divisor.
  case modulo = "Mod"
  case multiply = "Mul"
  case or = "Or"
  case power = "Pow"
  case prelu = "PRelu"
  /// The remainder with the sign of the dividend (ONNX Mod with fmod 1).
  case remainder = "Fmod"
  case subtract = "Sub"
  case xor = "Xor"
  // Three inputs, broadcast.
  /// Inputs x, and optionally the smallest and the largest value.
  case clip = "Clip"
  /// Inputs condition, value where it holds, value where not.
  case select = "Where"
  // Any number of inputs, broadcast.
  case maximum = "Max"
  case mean = "Mean"
  case minimum = "Min"
  case sum = "Sum"

  /// How many inputs it takes.
  package var inputCount: ClosedRange<Int> {
    switch self {
    case .add, .and, .bitShiftLeft, .bitShiftRight, .bitwiseAnd, .bitwiseOr, .bitwiseXor,
      .divide, .equal, .greater, .greaterOrEqual, .less, .lessOrEqual, .modulo, .multiply, .or,
      .power, .prelu, .remainder, .subtract, .xor:
      2...2
    case .clip: 1...3
    case .select: 3...3
    case .maximum, .mean, .minimum, .sum: 1...Int.max
    default: 1...1
    }
  }

  /// True where the result is a truth value.
  package var isTest: Bool {
    switch self {
    case .and, .equal, .greater, .greaterOrEqual, .isInfinite, .isNaN, .less, .lessOrEqual, .not,
      .or, .xor:
      true
    default: false
    }
  }

  /// True where a device needs a table or a series for it.
  package var isTranscendental: Bool { operationsPerElement > 4 }

  /// Operations as a comparator counts them.
  var operationsPerElement: Int {
    switch self {
    case .identity, .select: 0
    case .exp, .log, .sqrt, .reciprocal, .divide, .sigmoid, .tanh, .sin, .cos, .tan, .sinh, .cosh,
      .asin, .acos, .atan, .asinh, .acosh, .atanh, .erf, .power, .elu, .celu, .selu, .softplus,
      .swish:
      5
    case .gelu, .geluTanh, .mish: 8
    case .softsign, .hardSwish, .modulo, .remainder: 4
    case .hardSigmoid: 3
    case .clip, .leakyRelu, .prelu, .shrink, .thresholdedRelu: 2
    default: 1
    }
  }
}

/// An operator that looks at each element by itself; inputs are broadcast against each other.
///
/// Whole numbers are computed as such: overflow wraps, division cuts the fraction off.
package struct Elementwise: OperatorFamily {
  /// What it computes.
  package var function: ElementwiseFunction
  /// The function's first parameter, where it has one.
  package var alpha: Double
  /// The function's second parameter, where it has two.
  package var beta: Double

  /// A function with its parameters.
  package init(_ function: ElementwiseFunction, alpha: Double = 0, beta: Double = 0) {
    self.function = function
    self.alpha = alpha
    self.beta = beta
  }

  /// ONNX's name.
  package var name: String {
    switch function {
    case .bitShiftLeft, .bitShiftRight: "BitShift"
    case .geluTanh: "Gelu"
    case .remainder: "Mod"
    default: function.rawValue
    }
  }

  package var inputCount: ClosedRange<Int> { function.inputCount }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    for input in inputs.present.dropFirst() {
      guard let wider = shape.broadcast(with: input.shape) else {
        throw inputs.failure("the shapes do not broadcast")
      }
      shape = wider
    }
    let isOneSided = function == .clip || function == .prelu
    try inputs.require(
      !isOneSided || shape == inputs[0].shape, "the first input is not wide enough")
    let type = function == .select ? inputs[1].type : inputs[0].type
    if function == .select {
      try inputs.require(inputs[0].type == .bool, "the condition is \(inputs[0].type.name)")
    }
    // The exponent of Pow and bits to shift by may be of another type.
    if function.isTest && !logical || function == .power { return result(shape, type) }
    for input in inputs.present.dropFirst(function == .select ? 2 : 1) {
      try inputs.require(
        input.type.isInteger == type.isInteger,
        "elements of \(type.name) do not meet \(input.type.name)")
    }
    return result(shape, type)
  }

  private var logical: Bool { function == .and || function == .or || function == .xor }

  private func result(_ shape: TensorShape, _ type: ElementType) -> [TensorType] {
    [TensorType(shape, function.isTest ? .bool : type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let isVariadic = function.inputCount.upperBound == .max
    let times = isVariadic ? max(0, inputs.count - 1) : function.operationsPerElement
    return results[0].shape.elementCount * times
  }

  package var movesOnly: Bool { function == .identity || function == .select }
}
