import Foundation

extension Elementwise {
  /// One element of whole numbers, before it is wrapped to the result's type.
  func whole(_ values: [Int64?], _ type: ElementType) -> Int64 {
    let a = values[0] ?? 0
    let isUnsigned = type == .uint64
    switch function.inputCount {
    case 1...1: return wholeUnary(a)
    case 2...2:
      let b = values[1] ?? 0
      return isUnsigned ? unsignedBinary(a, b) : wholeBinary(a, b)
    default:
      let present = values.compactMap { $0 }
      if function == .clip {
        var value = a
        if values.count > 1, let low = values[1] { value = larger(value, low, isUnsigned) }
        if values.count > 2, let high = values[2] { value = smaller(value, high, isUnsigned) }
        return value
      }
      return fold(present, isUnsigned)
    }
  }

  private func fold(_ values: [Int64], _ isUnsigned: Bool) -> Int64 {
    let rest = values.dropFirst()
    switch function {
    case .maximum: return rest.reduce(values[0]) { larger($0, $1, isUnsigned) }
    case .minimum: return rest.reduce(values[0]) { smaller($0, $1, isUnsigned) }
    case .mean: return rest.reduce(values[0], &+) / Int64(values.count)
    default: return rest.reduce(values[0], &+)
    }
  }

  private func isLess(_ a: Int64, _ b: Int64, _ isUnsigned: Bool) -> Bool {
    isUnsigned ? UInt64(bitPattern: a) < UInt64(bitPattern: b) : a < b
  }

  private func larger(_ a: Int64, _ b: Int64, _ isUnsigned: Bool) -> Int64 {
    isLess(a, b, isUnsigned) ? b : a
  }

  private func smaller(_ a: Int64, _ b: Int64, _ isUnsigned: Bool) -> Int64 {
    isLess(b, a, isUnsigned) ? b : a
  }

  private func wholeUnary(_ x: Int64) -> Int64 {
    switch function {
    case .abs: x < 0 ? 0 &- x : x
    case .negate: 0 &- x
    case .sign: x.signum()
    case .not: x == 0 ? 1 : 0
    case .bitwiseNot: ~x
    case .relu: max(x, 0)
    case .leakyRelu, .thresholdedRelu, .hardSigmoid: x
    case .shrink:
      Double(x) < -alpha
        ? TensorView.integer(Double(x) + beta)
        : Double(x) > alpha ? TensorView.integer(Double(x) - beta) : 0
    default: x
    }
  }

  private func unsignedBinary(_ a: Int64, _ b: Int64) -> Int64 {
    let (x, y) = (UInt64(bitPattern: a), UInt64(bitPattern: b))
    switch function {
    case .divide: return y == 0 ? 0 : Int64(bitPattern: x / y)
    case .modulo, .remainder: return y == 0 ? 0 : Int64(bitPattern: x % y)
    case .bitShiftRight: return y < 64 ? Int64(bitPattern: x >> y) : 0
    case .greater: return x > y ? 1 : 0
    case .greaterOrEqual: return x >= y ? 1 : 0
    case .less: return x < y ? 1 : 0
    case .lessOrEqual: return x <= y ? 1 : 0
    default: return wholeBinary(a, b)
    }
  }

  private func wholeBinary(_ a: Int64, _ b: Int64) -> Int64 {
    switch function {
    case .add: return a &+ b
    case .subtract: return a &- b
    case .multiply: return a &* b
    case .divide: return b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
    case .modulo:
      let rest = b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
    case .remainder: return b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
    case .power: return Self.power(a, b)
    case .prelu: return a < 0 ? a &* b : a
    case .equal: return a == b ? 1 : 0
    case .greater: return a > b ? 1 : 0
    case .greaterOrEqual: return a >= b ? 1 : 0
    case .less: return a < b ? 1 : 0
    case .lessOrEqual: return a <= b ? 1 : 0
    default: return bits(a, b)
    }
  }

  private func bits(_ a: Int64, _ b: Int64) -> Int64 {
    switch function {
    case .and: a != 0 && b != 0 ? 1 : 0
    case .or: a != 0 || b != 0 ? 1 : 0
    case .xor: (a != 0) != (b != 0) ? 1 : 0
    case .bitwiseAnd: a & b
    case .bitwiseOr: a | b
    case .bitwiseXor: a ^ b
    // Whatever shifts all bits out leaves those that came in.
    case .bitShiftLeft: (0..<64).contains(b) ? a << b : 0
    case .bitShiftRight: (0..<64).contains(b) ? a >> b : a < 0 ? -1 : 0
    default: 0
    }
  }

  /// a to the b-th by squaring; a fraction is cut off.
  private static func power(_ a: Int64, _ b: Int64) -> Int64 {
    if b < 0 { return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0 }
    var (result, base, rest) = (Int64(1), a, b)
    while rest > 0 {
      if rest & 1 == 1 { result = result &* base }
      base = base &* base
      rest >>= 1
    }
    return result
  }
}
