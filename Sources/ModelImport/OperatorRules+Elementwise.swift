import ModelGraph
import ONNXSchema

extension OperatorRules {
  static var elementwise: [String: Rule] {
    let special: Set<ElementwiseFunction> = [
      .bitShiftLeft, .bitShiftRight, .geluTanh, .remainder,
    ]
    var rules: [String: Rule] = [:]
    for function in ElementwiseFunction.allCases where !special.contains(function) {
      rules[function.rawValue] = { reading in
        reading.apply(operation(try parameters(function, reading), reading))
      }
    }
    rules["Dropout"] = { reading in
      // Without training a dropout hands its input on; the mask is all true.
      if let training = try reading.optionalConstant(2, "training_mode"), training[0] != 0 {
        throw TranslationFailure("dropout in training is random")
      }
      guard reading.node.output.count > 1, !reading.node.output[1].isEmpty else {
        return reading.apply(.elementwise(Elementwise(.identity)), 1)
      }
      let input = try reading.constant(0, "the input of a dropout with a mask")
      let ones = [Int64](repeating: 1, count: input.count)
      return .values([
        input, try TensorView(integers: ones, shape: input.shape, type: .bool),
      ])
    }
    rules["BitShift"] = { reading in
      let isLeft = reading.text("direction", "") == "LEFT"
      return reading.apply(
        .elementwise(Elementwise(isLeft ? .bitShiftLeft : .bitShiftRight)))
    }
    rules["Cast"] = { reading in
      guard let type = try reading.elementType("to", nil) else {
        throw TranslationFailure("it does not say the type")
      }
      return cast(try reading.type(0).type, to: type, reading)
    }
    rules["CastLike"] = { reading in
      cast(try reading.type(0).type, to: try reading.type(1).type, reading)
    }
    return rules
  }

  private static func cast(_ from: ElementType, to type: ElementType, _ reading: NodeReading)
    -> Translation
  {
    reading.apply(
      .cast(
        Cast(to: type, saturates: reading.flag("saturate", true))), 1)
  }

  private static func parameters(_ function: ElementwiseFunction, _ reading: NodeReading) throws
    -> Elementwise
  {
    func alpha(_ standard: Double) -> Double { reading.real("alpha", standard) }
    switch function {
    case .celu, .elu, .thresholdedRelu: return Elementwise(function, alpha: alpha(1))
    case .swish: return Elementwise(function, alpha: alpha(1))
    case .leakyRelu: return Elementwise(function, alpha: alpha(Double(Float(0.01))))
    case .selu:
      return Elementwise(
        function, alpha: alpha(Double(Float(1.67326319217681884765625))),
        beta: reading.real("gamma", Double(Float(1.05070102214813232421875))))
    case .hardSigmoid:
      return Elementwise(
        function, alpha: alpha(Double(Float(0.2))), beta: reading.real("beta", 0.5))
    case .shrink:
      return Elementwise(
        function, alpha: reading.real("lambd", 0.5), beta: reading.real("bias", 0))
    case .isInfinite:
      return Elementwise(
        function, alpha: reading.flag("detect_negative", true) ? 1 : 0,
        beta: reading.flag("detect_positive", true) ? 1 : 0)
    case .gelu:
      return Elementwise(reading.text("approximate", "none") == "tanh" ? .geluTanh : .gelu)
    case .modulo:
      let isRemainder = reading.flag("fmod")
      return Elementwise(isRemainder ? .remainder : .modulo)
    default: return Elementwise(function)
    }
  }

  /// The case that kernels take, where there is one; whole numbers stay with the family.
  private static func operation(_ elementwise: Elementwise, _ reading: NodeReading) -> Operator {
    let isReal = reading.inputs.allSatisfy { $0?.type?.type.isFloat ?? false }
    guard isReal else { return .elementwise(elementwise) }
    switch elementwise.function {
    case .add: return .add
    case .multiply: return .multiply
    case .relu: return .relu
    case .sigmoid: return .sigmoid
    case .swish where elementwise.alpha == 1: return .silu
    default: return .elementwise(elementwise)
    }
  }
}
