import InstructionSet
import KernelLibrary
import ModelGraph

extension ElementMeaning {
  /// Functions of two, three and any number of inputs.
  static func several(
    _ elementwise: Elementwise, _ application: Application, _ chain: inout ElementChain
  ) throws(LoweringError) -> ElementChain.Value {
    let values = application.values
    switch elementwise.function {
    case .clip:
      return chain.clipped(
        values[0], low: application.operands.count > 1 ? application.operands[1] : nil,
        high: application.operands.count > 2 ? application.operands[2] : nil)
    case .select: return chain.select(values[0], values[1], values[2])
    case .maximum: return fold(.max, values, &chain)
    case .minimum: return fold(.min, values, &chain)
    case .sum: return fold(.add, values, &chain)
    case .mean:
      let sum = fold(.add, values, &chain)
      return chain.arithmetic(.multiply, sum, .constant(1 / Float(values.count)))
    default: return try binary(elementwise.function, application, &chain)
    }
  }

  private static func fold(
    _ operation: ALUOperation, _ values: [ElementChain.Value], _ chain: inout ElementChain
  ) -> ElementChain.Value {
    var result = values[0]
    for value in values.dropFirst() { result = chain.arithmetic(operation, result, value) }
    return result
  }

  private static func binary(
    _ function: ElementwiseFunction, _ application: Application, _ chain: inout ElementChain
  ) throws(LoweringError) -> ElementChain.Value {
    let (a, b) = (application.values[0], application.values[1])
    if let plain = plain(function) { return chain.arithmetic(plain, a, b) }
    switch function {
    case .divide:
      let quotient = chain.arithmetic(.divide, a, b)
      return application.isWhole ? chain.truncated(quotient) : quotient
    case .power: return power(a, b, &chain)
    case .prelu: return slope(a, b, &chain)
    case .modulo, .remainder:
      let towardsZero = function == .remainder
      return application.isWhole
        ? chain.remainder(a, b, towardsZero: towardsZero)
        : chain.realRemainder(a, b, towardsZero: towardsZero)
    default: return bits(function, application, &chain)
    }
  }

  /// Operations on the bits of whole numbers, which stand alone in their kernel.
  private static func bits(
    _ function: ElementwiseFunction, _ application: Application, _ chain: inout ElementChain
  ) -> ElementChain.Value {
    let (a, b) = (application.values[0], application.values[1])
    switch function {
    case .bitwiseAnd: return chain.arithmetic(.bitwiseAnd, a, b)
    case .bitwiseOr: return chain.arithmetic(.bitwiseOr, a, b)
    case .bitwiseXor: return chain.arithmetic(.bitwiseXor, a, b)
    case .bitShiftLeft: return chain.arithmetic(.shiftLeft, a, b)
    // Zeros come in from the left; `SignedShiftRule` takes numbers with a sign.
    default: return chain.arithmetic(.shiftRight, a, b)
    }
  }

  private static func plain(_ function: ElementwiseFunction) -> ALUOperation? {
    switch function {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .equal: .isEqual
    case .greater: .greaterThan
    case .greaterOrEqual: .greaterEqual
    case .less: .lessThan
    case .lessOrEqual: .lessEqual
    case .and: .logicalAnd
    case .or: .logicalOr
    case .xor: .logicalXor
    default: nil
    }
  }

  /// Whole and half exponents that are known need no logarithm.
  private static func power(
    _ base: ElementChain.Value, _ exponent: ElementChain.Value, _ chain: inout ElementChain
  ) -> ElementChain.Value {
    switch exponent {
    case .constant(1): return base
    case .constant(2): return chain.function(.square, base)
    case .constant(3): return chain.arithmetic(.multiply, chain.function(.square, base), base)
    case .constant(0.5): return chain.function(.sqrt, base)
    case .constant(-1): return chain.arithmetic(.divide, .constant(1), base)
    case .constant(-0.5): return chain.function(.rsqrt, base)
    default: return chain.arithmetic(.power, base, exponent)
    }
  }
}
