import CoreState
import VectorKernels

/// Which host kernel computes each operation: the one place where both lists meet.
extension ALUOperation {
  /// The arithmetic kernel; operations on raw bits and of one operand have
  /// none and take the first operand.
  var kernel: ArithmeticOperation {
    switch self {
    case .bypass: .bypass
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .max: .max
    case .min: .min
    case .isEqual: .isEqual
    case .notEqual: .notEqual
    case .greaterEqual: .greaterEqual
    case .greaterThan: .greaterThan
    case .lessEqual: .lessEqual
    case .lessThan: .lessThan
    case .logicalAnd: .logicalAnd
    case .logicalOr: .logicalOr
    case .logicalXor: .logicalXor
    case .power: .power
    case .absMax: .absMax
    case .absMin: .absMin
    case .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: .bypass
    case .invert, .rsqrt, .abs, .square, .relu, .reciprocal: .bypass
    }
  }

  /// The arithmetic kernel of one operand, or nil for the others.
  var unaryKernel: UnaryOperation? {
    switch self {
    case .rsqrt: .rsqrt
    case .abs: .abs
    case .square: .square
    case .relu: .relu
    case .reciprocal: .reciprocal
    default: nil
    }
  }

  /// The kernel on raw bits, or nil for arithmetic.
  var bitKernel: BitwiseOperation? {
    switch self {
    case .bitwiseAnd: .and
    case .bitwiseOr: .or
    case .bitwiseXor: .xor
    case .shiftLeft: .shiftLeft
    case .shiftRight: .shiftRight
    case .invert: .not
    default: nil
    }
  }

  /// The reduction, or nil when rows are not reduced by it.
  var reduction: ReductionOperation? {
    switch self {
    case .add: .add
    case .multiply: .multiply
    case .max: .max
    case .min: .min
    case .absMax: .absMax
    case .absMin: .absMin
    case .logicalAnd: .logicalAnd
    case .logicalOr: .logicalOr
    case .logicalXor: .logicalXor
    default: nil
    }
  }

  /// The comparison with zero, or nil when it is none.
  var affineComparison: AffineComparison? {
    switch self {
    case .isEqual: .isEqual
    case .notEqual: .notEqual
    case .greaterEqual: .greaterEqual
    case .greaterThan: .greaterThan
    case .lessEqual: .lessEqual
    case .lessThan: .lessThan
    default: nil
    }
  }
}

extension AccessPattern {
  /// The affine pattern over the free dimensions with a step for each.
  func affine(_ steps: SIMD4<Int32>) -> AffinePattern {
    AffinePattern(
      (0..<Int(dimensionCount)).map { (size: Int32(sizes[$0]), step: steps[$0]) })
  }
}
