import Foundation

/// The gradient of a layer norm, or of a root-mean-square norm, in its input. No ONNX operator.
///
/// Inputs dY and X of one shape, and the norm's scale [columns]. With x̂ = (X − μ)·r, r = 1/√(mean
/// of squares of X − μ, + epsilon), μ = 0 unless centred, and g = dY · scale:
/// dX = r · (g − [mean g] − x̂ · mean(g · x̂)), means over the last axis.
package struct NormGradient: OperatorFamily {
  /// True for a layer norm.
  package var centres: Bool
  /// Is added to the mean square.
  package var epsilon: Double

  /// The gradient of one kind of norm.
  package init(centres: Bool, epsilon: Double) {
    self.centres = centres
    self.epsilon = epsilon
  }

  package var name: String { centres ? "LayerNormGradient" : "RMSNormGradient" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape == inputs[1].shape, "dY and X have one shape")
    try inputs.require(
      inputs[2].shape.elementCount == inputs[1].shape.columnCount,
      "the scale has a number per column")
    return [inputs[1]]
  }

  /// The norm's own share, two products for g and its sum, and three for each element of dX.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    (centres ? 12 : 10) * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape = inputs[1].shape
    let values = (0..<shape.rowCount).flatMap { row(inputs, $0).values }
    return [try TensorView(values, shape: shape, type: inputs[1].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    Float64Interpreter.byRow(indices, columns: inputs[1].shape.columnCount) {
      row(inputs, $0).values
    }
  }

  /// One row of dX and what its bounds need.
  private struct Row {
    var norm: NormalizedRow
    var weighted: [Double]
    var mean: Double
    var product: Double
    var values: [Double]
  }

  private func row(_ inputs: Operands<TensorView>, _ row: Int) -> Row {
    let norm = NormalizedRow(inputs[1].row(row), centres: centres, epsilon: epsilon)
    let weighted = inputs[0].row(row).enumerated().map { $1 * inputs[2][$0] }
    let count = Double(max(1, weighted.count))
    let mean = centres ? weighted.reduce(0, +) / count : 0
    let product = zip(weighted, norm.values).reduce(0) { $0 + $1.0 * $1.1 } / count
    let values = zip(weighted, norm.values).map { norm.scale * ($0 - mean - $1 * product) }
    return Row(norm: norm, weighted: weighted, mean: mean, product: product, values: values)
  }

  /// The means' random walks, what x̂ is off, and a few roundings of each term.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    return Float64Interpreter.byRow(indices, columns: inputs[1].shape.columnCount) { index in
      let row = row(inputs, index)
      let count = Double(max(1, row.weighted.count))
      let walk = Tolerance.factor * Tolerance.sum * count.squareRoot()
      let errors = row.norm.errors(inputs[1], row: index)
      let terms = zip(row.weighted, row.norm.values).map { $0 * $1 }
      let uncertain = inputs[0].uncertainty + inputs[2].uncertainty
      let product =
        (walk * norm(terms) + zip(row.weighted, errors).reduce(0) { $0 + abs($1.0) * $1.1 })
        / count + uncertain * norm(terms) / count.squareRoot()
      let mean = centres ? walk * norm(row.weighted) / count : 0
      return row.weighted.indices.map { column in
        let sizes =
          abs(row.weighted[column]) + abs(row.mean)
          + abs(row.norm.values[column] * row.product)
        return row.norm.scale
          * (abs(row.norm.values[column]) * product + abs(row.product) * errors[column] + mean
            + (Tolerance.function + 8 * Tolerance.sum + uncertain) * sizes)
      }
    }
  }
}

/// What the gradient of a norm sums up over the rows: inputs dY and X; the result [1, columns]
/// holds Σ dY · x̂, the gradient in the scale, and for a layer norm [2, columns] then Σ dY, that in
/// the bias. No ONNX operator.
package struct NormSums: OperatorFamily {
  /// True for a layer norm.
  package var centres: Bool
  /// Is added to the mean square.
  package var epsilon: Double

  /// The sums for one kind of norm.
  package init(centres: Bool, epsilon: Double) {
    self.centres = centres
    self.epsilon = epsilon
  }

  package var name: String { centres ? "LayerNormSums" : "RMSNormSums" }
  package var inputCount: ClosedRange<Int> { 2...2 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape == inputs[1].shape, "dY and X have one shape")
    return [TensorType([centres ? 2 : 1, inputs[1].shape.columnCount], inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    (centres ? 8 : 6) * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let columns = inputs[1].shape.columnCount
    let sums = sums(inputs)
    return [
      try TensorView(
        sums.weighted + (centres ? sums.plain : []), shape: [centres ? 2 : 1, columns],
        type: inputs[0].type)
    ]
  }

  private struct Sums {
    var weighted: [Double]
    var plain: [Double]
    /// Sums of squares of the terms, and of what x̂ may add to them.
    var weightedSquares: [Double]
    var plainSquares: [Double]
    var errors: [Double]
  }

  private func sums(_ inputs: Operands<TensorView>) -> Sums {
    let zeros = [Double](repeating: 0, count: inputs[1].shape.columnCount)
    var sums = Sums(
      weighted: zeros, plain: zeros, weightedSquares: zeros, plainSquares: zeros, errors: zeros)
    for row in 0..<inputs[1].shape.rowCount {
      let norm = NormalizedRow(inputs[1].row(row), centres: centres, epsilon: epsilon)
      let errors = norm.errors(inputs[1], row: row)
      for (column, slope) in inputs[0].row(row).enumerated() {
        let term = slope * norm.values[column]
        sums.weighted[column] += term
        sums.plain[column] += slope
        sums.weightedSquares[column] += term * term
        sums.plainSquares[column] += slope * slope
        sums.errors[column] += slope * slope * errors[column] * errors[column]
      }
    }
    return sums
  }

  /// Sums of products over the rows, and what x̂ is off in each.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let sums = sums(inputs)
    let columns = sums.plain.count
    let depth = Double(max(1, inputs[1].shape.rowCount)).squareRoot()
    let walk = Tolerance.factor * (Tolerance.sum * depth + inputs[0].uncertainty)
    return indices.map { index in
      index < columns
        ? walk * sums.weightedSquares[index].squareRoot()
          + Tolerance.factor * sums.errors[index].squareRoot()
          + Tolerance.function * sums.weightedSquares[index].squareRoot()
        : walk * sums.plainSquares[index - columns].squareRoot()
    }
  }
}

/// A row of a norm before scale and bias.
struct NormalizedRow {
  /// x̂.
  let values: [Double]
  /// r.
  let scale: Double
  /// The root of the mean square of the row as it is.
  private let size: Double
  private let centres: Bool

  init(_ row: [Double], centres: Bool, epsilon: Double) {
    let count = Double(max(1, row.count))
    let mean = centres ? row.reduce(0, +) / count : 0
    let square = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let scale = 1 / (square + epsilon).squareRoot()
    self.scale = scale
    self.centres = centres
    size = (square + mean * mean).squareRoot()
    values = row.map { ($0 - mean) * scale }
  }

  /// How far a device's x̂ may be off: its scale, and the mean that cancels digits.
  func errors(_ x: TensorView, row: Int) -> [Double] {
    let walk = Tolerance.factor * Tolerance.sum * Double(max(1, values.count)).squareRoot()
    let relative = Tolerance.function + walk
    let given = x.row(row)
    return values.indices.map { column in
      let mean = centres ? scale * (walk * size + 2 * Tolerance.sum * abs(given[column])) : 0
      return abs(values[column]) * relative + mean
        + 2 * scale * x.absoluteUncertainty(given[column])
    }
  }
}
