import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// What an element-wise operator is as steps of a chain.
enum ElementMeaning {
  /// True for operators that look at each element by itself.
  static func takes(_ operation: Operator) -> Bool {
    switch operation {
    case .add, .multiply, .silu, .sigmoid, .relu, .reluGradient, .copy, .cast, .elementwise,
      .gatedSwish:
      true
    default: false
    }
  }

  /// True where a small change of an input can change the result by much.
  static func jumps(_ operation: Operator) -> Bool {
    switch operation {
    case .reluGradient: true
    case .cast(let cast): cast.type.isInteger
    case .elementwise(let elementwise):
      switch elementwise.function {
      case .ceil, .floor, .round, .sign, .modulo, .remainder, .equal, .greater, .greaterOrEqual,
        .less, .lessOrEqual, .isInfinite, .isNaN, .thresholdedRelu, .shrink:
        true
      default: false
      }
    default: false
    }
  }

  /// True for operations on bits: registers between steps hold real numbers.
  static func standsAlone(_ operation: Operator) -> Bool {
    guard case .elementwise(let elementwise) = operation else { return false }
    switch elementwise.function {
    case .bitwiseNot, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .bitShiftLeft, .bitShiftRight:
      return true
    default: return false
    }
  }

  /// The operator in a kernel's name.
  static func name(_ operation: Operator) -> String { operation.name.lowercased() }

  /// An operator with its operands; those that are left out are nil.
  struct Application {
    var node: Node
    var operands: [ElementChain.Value?]
    /// The first result's type.
    var output: ElementType
    /// The inputs' types.
    var inputs: [ElementType?]

    /// The operands that are there.
    var values: [ElementChain.Value] { operands.compactMap { $0 } }
    /// True when the operator computes with whole numbers.
    var isWhole: Bool { inputs.allSatisfy { $0?.isInteger ?? true } }
  }

  /// Appends an operator. Throws `unsupported`.
  static func append(_ application: Application, to chain: inout ElementChain)
    throws(LoweringError) -> ElementChain.Value
  {
    let values = application.values
    switch application.node.operation {
    case .add: return chain.arithmetic(.add, values[0], values[1])
    case .multiply: return chain.arithmetic(.multiply, values[0], values[1])
    case .silu: return chain.function(.silu, values[0])
    case .sigmoid: return chain.function(.sigmoid, values[0])
    case .relu: return chain.arithmetic(.max, values[0], .constant(0))
    case .reluGradient:
      let isOpen = chain.arithmetic(.greaterThan, values[1], .constant(0))
      return chain.arithmetic(.multiply, isOpen, values[0])
    case .copy: return values[0]
    case .gatedSwish(let gate):
      let swish = chain.function(.sigmoid, values[0], scale: Float(gate.alpha))
      let product = chain.arithmetic(.multiply, swish, values[0])
      return chain.arithmetic(.multiply, product, values[1])
    case .cast(let cast): return try self.cast(cast, application, &chain)
    case .elementwise(let elementwise):
      if elementwise.function.inputCount == 1...1 {
        return try unary(elementwise, application, &chain)
      }
      return try several(elementwise, application, &chain)
    default: throw application.node.refused("it is no element-wise operator")
    }
  }

  /// Fractions are cut off on the way to whole numbers; anything but 0 is true.
  private static func cast(
    _ cast: Cast, _ application: Application, _ chain: inout ElementChain
  ) throws(LoweringError) -> ElementChain.Value {
    let x = application.values[0]
    let from = application.inputs[0] ?? cast.type
    if from == .format(.float8e8m0), cast.type != from {
      throw application.node.refused("no engine reads fp8e8m0 as numbers")
    }
    switch cast.type {
    case .bool: return chain.arithmetic(.notEqual, x, .constant(0))
    case .float8e4m3fnuz, .float8e5m2fnuz, .float4e2m1, .format(.float8e8m0):
      guard from == cast.type else {
        throw application.node.refused("no engine rounds to \(cast.type.name)")
      }
      return x
    case .int4, .uint4, .int2, .uint2:
      return try narrow(cast.type, from: from, x, application, &chain)
    case .format(.float8e4m3fn) where cast.saturates: return held(x, within: 448, &chain)
    case .format(.float8e5m2) where cast.saturates: return held(x, within: 57344, &chain)
    default: break
    }
    if cast.type.isInteger, let bounds = cast.type.integerBounds {
      if from.isInteger, let own = from.integerBounds, bounds.contains(own.lowerBound),
        bounds.contains(own.upperBound)
      {
        return x
      }
      if from == .int64 || from == .uint64, cast.type.storage.sizeBytes == 4 { return x }
      if from.isInteger {
        throw application.node.refused(
          "numbers of \(from.name) beyond \(cast.type.name) wrap, which engines do not")
      }
    }
    return cast.type.isInteger && !from.isInteger ? chain.truncated(x) : x
  }

  /// Whole numbers of two or four bits lie in bytes; engines do not cut them off by themselves.
  private static func narrow(
    _ type: ElementType, from: ElementType, _ x: ElementChain.Value, _ application: Application,
    _ chain: inout ElementChain
  ) throws(LoweringError) -> ElementChain.Value {
    guard let bounds = type.integerBounds else { return x }
    if let own = from.integerBounds, bounds.contains(own.lowerBound),
      bounds.contains(own.upperBound)
    {
      return x
    }
    guard !from.isInteger || from.storage.sizeBytes < 4 else {
      throw application.node.refused("fp32 does not hold the low bits of all \(from.name)")
    }
    return chain.wrapped(
      from.isInteger ? x : chain.truncated(x), low: Float(bounds.lowerBound),
      count: Float(bounds.count))
  }

  /// Numbers beyond the largest of a format as the largest; what is no number stays so.
  private static func held(
    _ x: ElementChain.Value, within largest: Float, _ chain: inout ElementChain
  ) -> ElementChain.Value {
    let kept = chain.clipped(x, low: .constant(-largest), high: .constant(largest))
    return chain.select(chain.arithmetic(.isEqual, x, x), kept, x)
  }
}
