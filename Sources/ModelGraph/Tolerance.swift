import NumericFormats

/// How far a correct kernel's result may be from the reference, element by element.
///
/// The root of all bounds is 4 · u · √K · ‖row‖ · ‖column‖ for a sum of K products that is kept in
/// a
/// format of unit roundoff u: single roundings add up like a random walk, and 4 covers the largest
/// of millions of elements. To that come the rounding of the result to its format (u of that format
/// times the element, the whole of what rounding to nearest can do), roundings between the steps of
/// an operator (`Rounding.intermediate`), and what inputs of `TensorView.uncertainty` contribute.
package struct Tolerance {
  /// Unit roundoff of fp32, in which sums are kept.
  package static let sum = 0x1p-24
  /// Relative error granted to a device's transcendental function: 32 roundings of fp32.
  package static let function = 0x1p-19
  /// The factor before each random walk.
  package static let factor = 4.0

  let operation: Operator
  let inputs: [TensorView]
  let shape: TensorShape
  let rounding: Rounding
  /// Unit roundoff of values between steps; 0 where they stay in fp32, which `sum` covers.
  let middle: Double

  /// The tolerance of one application of an operator.
  package init(
    _ operation: Operator, inputs: [TensorView], shape: TensorShape, rounding: Rounding
  ) {
    self.operation = operation
    self.inputs = inputs
    self.shape = shape
    self.rounding = rounding
    middle = rounding.intermediateUnit
  }

  /// The bound of each element at `indices`, whose reference values are `reference`.
  package func bounds(at indices: [Int], reference: [Double]) throws(GraphError) -> [Double] {
    let computed = try computation(at: indices, reference: reference)
    if movesOnly { return computed }
    let unit = rounding.outputUnit
    let floor = rounding.outputFloor
    return zip(computed, reference).map {
      Self.rounded($0, of: $1, unit: unit, floor: floor)
    }
  }

  /// The same, of what is finite in the inputs for finite elements whose bound would otherwise be
  /// taken from something that is not: a number beside a NaN is checked as any other.
  func finiteBounds(at indices: [Int], reference: [Double]) throws(GraphError) -> [Double] {
    var bounds = try bounds(at: indices, reference: reference)
    let open = indices.indices.filter { reference[$0].isFinite && !bounds[$0].isFinite }
    guard !open.isEmpty, inputs.contains(where: { $0.nonFinite != nil }) else { return bounds }
    var finite: [TensorView] = []
    for input in inputs { finite.append(try input.finite()) }
    let others = try Tolerance(operation, inputs: finite, shape: shape, rounding: rounding)
      .bounds(at: open.map { indices[$0] }, reference: open.map { reference[$0] })
    for (position, bound) in zip(open, others) { bounds[position] = bound }
    return bounds
  }

  /// The bound of an element after its rounding to a format of that unit roundoff and floor, given
  /// the bound before.
  package static func rounded(
    _ bound: Double, of reference: Double, unit: Double, floor: Double
  ) -> Double {
    bound + unit * (abs(reference) + bound) + floor
  }

  /// The largest relative change of a result by its rounding; 0 where values only move.
  package var outputRounding: Double { movesOnly ? 0 : rounding.outputUnit }

  /// True where a kernel only moves values that the output's format holds: no error is allowed.
  private var movesOnly: Bool {
    switch operation {
    case .copy, .gather, .slice, .transpose, .tensorScatter, .relu, .reluGradient:
      rounding.output == inputs[0].format
    default: operation.family?.movesOnly == true && rounding.output == inputs[0].format
    }
  }

  /// The part of the bounds that stands before the result is rounded.
  private func computation(at indices: [Int], reference: [Double]) throws(GraphError) -> [Double] {
    if let family = operation.family {
      return try family.bounds(self, at: indices, reference: reference)
    }
    switch operation {
    case .matMul(let transposeA, let transposeB):
      return product(transposeA, transposeB, at: indices)
    case .attention(let attention):
      return self.attention(attention, at: indices)
    case .softmax:
      return byRow(indices) { softmax(row: $0) }
    case .rmsNormalization(let epsilon):
      return byRow(indices) { rmsNormalization(row: $0, epsilon: epsilon) }
    case .layerNormalization(let epsilon):
      return byRow(indices) { layerNormalization(row: $0, epsilon: epsilon) }
    case .softmaxCrossEntropyLoss: return indices.map { _ in crossEntropyLoss() }
    case .softmaxCrossEntropyGradient:
      return byRow(indices) { crossEntropyGradient(row: $0) }
    default:
      return zip(indices, reference).map { element(at: $0, reference: $1) }
    }
  }

  private func byRow(_ indices: [Int], _ row: (Int) -> [Double]) -> [Double] {
    Float64Interpreter.byRow(indices, columns: shape.columnCount, row)
  }
}
