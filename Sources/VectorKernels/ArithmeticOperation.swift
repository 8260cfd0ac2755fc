/// The two-operand arithmetic operations of the vector, scalar and GpSimd engines.
///
/// Operands and results are fp32. Comparisons and logical operations give 1.0 or 0.0, and a
/// logical operand is true when it differs from zero (NaN does). Source: the operator table of the
/// public NKI language reference.
public enum ArithmeticOperation: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The first operand, unchanged.
  case bypass
  case add, subtract, multiply, divide
  /// Larger and smaller operand; a NaN on either side is the result.
  case max, min
  case isEqual, notEqual, greaterEqual, greaterThan, lessEqual, lessThan
  case logicalAnd, logicalOr, logicalXor
  /// First operand to the power of the second, with the special cases of IEEE 754 `pow`.
  case power
  /// `max` and `min` of the magnitudes.
  case absMax, absMin

  /// The operation on one pair: the scalar reference of every row kernel, equal to it bit for bit.
  public func apply(_ left: Float, _ right: Float) -> Float {
    switch self {
    case .bypass: left
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    case .divide: left / right
    case .max: Self.larger(left, right)
    case .min: Self.smaller(left, right)
    case .isEqual: left == right ? 1 : 0
    case .notEqual: left != right ? 1 : 0
    case .greaterEqual: left >= right ? 1 : 0
    case .greaterThan: left > right ? 1 : 0
    case .lessEqual: left <= right ? 1 : 0
    case .lessThan: left < right ? 1 : 0
    case .logicalAnd: left != 0 && right != 0 ? 1 : 0
    case .logicalOr: left != 0 || right != 0 ? 1 : 0
    case .logicalXor: (left != 0) != (right != 0) ? 1 : 0
    case .power: ScalarMath.power(left, right)
    case .absMax: Self.larger(left.magnitude, right.magnitude)
    case .absMin: Self.smaller(left.magnitude, right.magnitude)
    }
  }

  private static func larger(_ left: Float, _ right: Float) -> Float {
    left > right || left.isNaN ? left : right
  }

  private static func smaller(_ left: Float, _ right: Float) -> Float {
    left < right || left.isNaN ? left : right
  }
}

/// The one-operand arithmetic operations of the vector engine.
public enum UnaryOperation: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case abs, square, relu, rsqrt, reciprocal

  /// The operation on one value: the scalar reference of `Elementwise.unary`.
  public func apply(_ value: Float) -> Float {
    switch self {
    case .abs: value.magnitude
    case .square: value * value
    case .relu: value <= 0 ? 0 : value
    case .rsqrt: Float(ScalarMath.reciprocalSquareRoot(Double(value)))
    case .reciprocal: 1 / value
    }
  }
}

/// Operations on the raw bits of an element.
public enum BitwiseOperation: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case and, or, xor
  /// The complement of the first operand; the second is not looked at.
  case not
  /// Logical shifts; a count of 32 or more gives 0.
  case shiftLeft, shiftRight

  /// The operation on one pair: the scalar reference of `Elementwise.bitwise`.
  public func apply(_ left: UInt32, _ right: UInt32) -> UInt32 {
    switch self {
    case .and: left & right
    case .or: left | right
    case .xor: left ^ right
    case .not: ~left
    case .shiftLeft: left << right
    case .shiftRight: left >> right
    }
  }
}
