package import InstructionSet
import NumericFormats

/// A computation on each element by itself: steps in an order of evaluation, each on inputs,
/// constants and earlier steps. Arithmetic is fp32.
///
/// These are the steps that engines have; functions that they lack are built from them
/// (`ElementChain+Functions`).
package struct ElementChain: Hashable, Sendable {
  /// What a step reads or the chain hands out.
  package enum Value: Hashable, Sendable {
    /// An input tensor's element.
    case input(Int)
    /// The same number for every element.
    case constant(Float)
    /// The result of an earlier step.
    case step(Int)
  }

  /// One instruction's worth of work.
  package enum Step: Hashable, Sendable {
    /// function(value · scale) on the scalar engine.
    case function(ActivationFunction, Value, scale: Float)
    /// value op value.
    case arithmetic(ALUOperation, Value, Value)
    /// The second value where the first is not zero, else the third.
    case select(Value, Value, Value)
    /// The nearest whole number, ties to even, of values below 2^31 in magnitude.
    case wholeNumber(Value)

    /// What the step reads.
    var operands: [Value] {
      switch self {
      case .function(_, let value, _), .wholeNumber(let value): [value]
      case .arithmetic(_, let a, let b): [a, b]
      case .select(let a, let b, let c): [a, b, c]
      }
    }
  }

  /// The steps in order.
  package private(set) var steps: [Step] = []
  /// What each output tensor receives.
  package var outputs: [Value] = []

  /// A chain without steps.
  package init() {}

  /// Appends a step, or finds the same one among the earlier ones.
  package mutating func append(_ step: Step) -> Value {
    if let index = steps.firstIndex(of: step) { return .step(index) }
    steps.append(step)
    return .step(steps.count - 1)
  }

  /// function(value · scale).
  package mutating func function(
    _ function: ActivationFunction, _ value: Value, scale: Float = 1
  ) -> Value {
    append(.function(function, value, scale: scale))
  }

  /// a op b; two constants are computed at once where the operation is plain.
  package mutating func arithmetic(_ operation: ALUOperation, _ a: Value, _ b: Value) -> Value {
    if case .constant(let left) = a, case .constant(let right) = b {
      switch operation {
      case .add: return .constant(left + right)
      case .subtract: return .constant(left - right)
      case .multiply: return .constant(left * right)
      case .divide: return .constant(left / right)
      default: break
      }
    }
    return append(.arithmetic(operation, a, b))
  }

  /// How often each step's result is read, by steps and by outputs.
  var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: steps.count)
    for value in steps.flatMap(\.operands) + outputs {
      if case .step(let index) = value { counts[index] += 1 }
    }
    return counts
  }
}
