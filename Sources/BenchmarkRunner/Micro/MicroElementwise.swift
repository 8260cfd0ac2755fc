import Foundation
import ModelGraph
import WorkloadCatalog

/// Float64 values of instructions whose every element is a formula of one or two elements.
///
/// Bounds are the roundings of the formula in fp32, as in `Tolerance`.
enum MicroElementwise {
  /// What the instruction writes.
  static func results(_ instruction: MicroInstruction, _ inputs: [[Double]]) -> [MicroExpectation] {
    let values = inputs[0]
    switch instruction {
    case .tensorCopy(let move, _): return [result(move, values.map { MicroElement($0) })]
    case .reciprocal(let move):
      return [result(move, values.map { MicroElement(1 / $0, within: 2 * rounding / abs($0)) })]
    case .tensorScalar(let arithmetic, let move):
      return [result(move, values.map { apply(arithmetic, $0, 1.5) })]
    case .tensorTensor(let arithmetic, let move, _):
      return [result(move, zip(values, inputs[1]).map { apply(arithmetic, $0, $1) })]
    default: return []
    }
  }

  private static func result(_ move: MicroMove, _ elements: [MicroElement]) -> MicroExpectation {
    MicroExpectation(MicroOperands.destination(move.destination, move.columns), elements)
  }

  /// Unit roundoff of fp32, in which every engine computes.
  private static let rounding = Tolerance.sum

  private static func apply(_ arithmetic: MicroArithmetic, _ a: Double, _ b: Double)
    -> MicroElement
  {
    switch arithmetic {
    case .add: MicroElement(a + b, within: 2 * rounding * (abs(a) + abs(b)))
    case .subtract: MicroElement(a - b, within: 2 * rounding * (abs(a) + abs(b)))
    case .multiply: MicroElement(a * b, within: 2 * rounding * abs(a * b))
    case .max: MicroElement(max(a, b))
    case .min: MicroElement(min(a, b))
    }
  }

  /// A function of the scalar engine: the argument's own rounding, as the function passes it on,
  /// and the error that is granted to transcendental functions.
  static func function(_ function: MicroFunction, of source: Double, plus bias: Double)
    -> MicroElement
  {
    let x = source + bias
    let error = 2 * rounding * (abs(source) + abs(bias))
    let granted = Tolerance.function
    switch function {
    case .copy: return MicroElement(x, within: error)
    case .relu: return MicroElement(max(0, x), within: error)
    case .square: return MicroElement(x * x, within: 2 * abs(x) * error + 2 * rounding * x * x)
    case .exp: return MicroElement(exp(x), within: exp(x) * (granted + 2 * error))
    case .rsqrt:
      let value = 1 / x.squareRoot()
      return MicroElement(value, within: value * (granted + error / x))
    case .sigmoid:
      let value = 1 / (1 + exp(-x))
      return MicroElement(value, within: value * granted + error)
    case .silu:
      let value = x / (1 + exp(-x))
      return MicroElement(
        value, within: abs(value) * (granted + 2 * rounding * abs(x)) + 2 * error)
    }
  }
}
