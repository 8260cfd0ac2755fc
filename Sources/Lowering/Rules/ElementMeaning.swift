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
    switch cast.type {
    case .bool: return chain.arithmetic(.notEqual, x, .constant(0))
    case .float8e4m3fnuz, .float8e5m2fnuz, .float4e2m1, .int4, .uint4, .int2, .uint2:
      throw application.node.refused("the device has no format for \(cast.type.name)")
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
}
