/// What the element-wise engines compute on two values. Names as in assembly text.
///
/// Source: NKI instruction reference, table of ALU operations.
public enum ALUOperation: UInt8, OperandChoice, BitwiseCopyable {
  case bypass, add, subtract, multiply, divide, max, min
  case isEqual, notEqual, greaterEqual, greaterThan, lessEqual, lessThan
  case logicalAnd, logicalOr, logicalXor, power, absMax, absMin
  case bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight
  /// Operations of one operand, the row; the scalar beside it is not looked at. tensor_scalar only:
  /// rsqrt on GpSimd, abs, square and relu as its first operation from NeuronCore-v4 on.
  case invert, rsqrt, abs, square, relu, reciprocal

  /// The word in assembly text.
  public var text: String {
    switch self {
    case .bypass: "bypass"
    case .add: "add"
    case .subtract: "sub"
    case .multiply: "mul"
    case .divide: "div"
    case .max: "max"
    case .min: "min"
    case .isEqual: "eq"
    case .notEqual: "ne"
    case .greaterEqual: "ge"
    case .greaterThan: "gt"
    case .lessEqual: "le"
    case .lessThan: "lt"
    case .logicalAnd: "land"
    case .logicalOr: "lor"
    case .logicalXor: "lxor"
    case .power: "pow"
    case .absMax: "absmax"
    case .absMin: "absmin"
    case .bitwiseAnd: "and"
    case .bitwiseOr: "or"
    case .bitwiseXor: "xor"
    case .shiftLeft: "shl"
    case .shiftRight: "shr"
    case .invert: "invert"
    case .rsqrt: "rsqrt"
    case .abs: "abs"
    case .square: "square"
    case .relu: "relu"
    case .reciprocal: "reciprocal"
    }
  }

  /// True for the operations on raw bits, which need integer formats.
  public var isBitwise: Bool {
    (ALUOperation.bitwiseAnd.rawValue...ALUOperation.invert.rawValue).contains(rawValue)
  }

  /// True for arithmetic on two operands, what most instructions take.
  public var isBinaryArithmetic: Bool { !isBitwise && !isUnary }

  /// True for the operations that look at one operand alone.
  public var isUnary: Bool { rawValue >= ALUOperation.invert.rawValue }
}
