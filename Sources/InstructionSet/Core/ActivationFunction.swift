import VectorKernels

/// The sets of functions that the scalar engine's tables hold; one set is loaded at a time.
///
/// Source: names of sets in compiled programs (Neuron documentation, Activation.json) and a
/// third-party measurement of which functions share one. Which set holds the functions named in
/// neither is assumed.
public enum ActivationTable: UInt8, OperandChoice, BitwiseCopyable {
  /// Functions that every set holds: no load is needed.
  case everySet
  case reciprocalSquareRoot, naturalLogarithmAndExponential, reciprocal, sigmoid, silu, gelu, tanh
  case softplus, erf, trigonometric

  public var text: String {
    switch self {
    case .everySet: "every_set"
    case .reciprocalSquareRoot: "reciprocal_sqrt_and_small"
    case .naturalLogarithmAndExponential: "natural_log_exp_and_others"
    case .reciprocal: "reciprocal_and_small"
    case .sigmoid: "sigmoid_and_others"
    case .silu: "silu_and_others"
    case .gelu: "gelu_and_others"
    case .tanh: "tanh_and_others"
    case .softplus: "softplus_and_others"
    case .erf: "erf_and_others"
    case .trigonometric: "trigonometric_and_others"
    }
  }
}

/// The functions of the scalar engine.
///
/// Source: NKI instruction reference, activation functions and their valid ranges.
public enum ActivationFunction: UInt8, OperandChoice, BitwiseCopyable {
  case copy, identity, square, exp, log, tanh, sigmoid, silu, siluDerivative
  case gelu, geluDerivative, geluTanh, geluSigmoid, geluSigmoidDerivative
  case relu, sqrt, rsqrt, reciprocal, abs, sign, sin, arctan, erf, erfDerivative, softplus, mish,
    prelu

  /// The word in assembly text.
  public var text: String {
    switch self {
    case .copy: "copy"
    case .identity: "identity"
    case .square: "square"
    case .exp: "exp"
    case .log: "log"
    case .tanh: "tanh"
    case .sigmoid: "sigmoid"
    case .silu: "silu"
    case .siluDerivative: "silu_dx"
    case .gelu: "gelu"
    case .geluDerivative: "gelu_dx"
    case .geluTanh: "gelu_tanh"
    case .geluSigmoid: "gelu_sigmoid"
    case .geluSigmoidDerivative: "gelu_sigmoid_dx"
    case .relu: "relu"
    case .sqrt: "sqrt"
    case .rsqrt: "rsqrt"
    case .reciprocal: "reciprocal"
    case .abs: "abs"
    case .sign: "sign"
    case .sin: "sin"
    case .arctan: "arctan"
    case .erf: "erf"
    case .erfDerivative: "erf_dx"
    case .softplus: "softplus"
    case .mish: "mish"
    case .prelu: "prelu"
    }
  }

  /// The set that must be loaded before the function runs.
  public var table: ActivationTable {
    switch self {
    case .copy, .identity, .square, .relu, .prelu, .abs, .sign: .everySet
    case .sqrt, .rsqrt: .reciprocalSquareRoot
    case .exp, .log: .naturalLogarithmAndExponential
    case .reciprocal: .reciprocal
    case .sigmoid: .sigmoid
    case .silu, .siluDerivative: .silu
    case .gelu, .geluDerivative, .geluTanh, .geluSigmoid, .geluSigmoidDerivative: .gelu
    case .tanh: .tanh
    case .softplus, .mish: .softplus
    case .erf, .erfDerivative: .erf
    case .sin, .arctan: .trigonometric
    }
  }

  /// The host kernel.
  var kernel: VectorKernels.ActivationFunction {
    switch self {
    case .copy, .identity: .identity
    case .square: .square
    case .exp: .exp
    case .log: .log
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .silu: .silu
    case .siluDerivative: .siluDerivative
    case .gelu: .gelu
    case .geluDerivative: .geluDerivative
    case .geluTanh: .geluTanh
    case .geluSigmoid: .geluSigmoid
    case .geluSigmoidDerivative: .geluSigmoidDerivative
    case .relu: .relu
    case .sqrt: .sqrt
    case .rsqrt: .rsqrt
    case .reciprocal: .reciprocal
    case .abs: .abs
    case .sign: .sign
    case .sin: .sin
    case .arctan: .arctan
    case .erf: .erf
    case .erfDerivative: .erfDerivative
    case .softplus: .softplus
    case .mish: .mish
    case .prelu: .prelu
    }
  }
}
