import Foundation
import NumericFormats

/// A mixture of experts whose weights are MXFP4 and whose activations meet them as MXFP8.
///
/// Inputs x [T, D], logits [T, E], and of gate and up [E, D, F] and down [E, F, D] each the
/// numbers, uint16 [E, rows / 4, columns] of four rows' e2m1 codes, the first one lowest, and the
/// scales, uint8 [E, rows / 32, columns]: a scale 2^(b − 127) belongs to 32 rows of a column. x,
/// and the hidden activations times the expert's weight once they are rounded to bf16, are
/// quantised as the instruction quantize_mx does: e4m3 with one scale for 32 neighbours. All else
/// is `ExpertLayer`'s.
///
/// Source: the published weights of gpt-oss (arXiv 2508.10925, section 2.1); OCP Microscaling
/// Formats specification 1.0.
package struct ScaledExpertLayer: OperatorFamily {
  /// Experts of each token.
  package var chosen: Int

  /// A layer of which each token sees that many experts.
  package init(chosen: Int) { self.chosen = chosen }

  package var name: String { "MixtureOfExpertsMX" }
  package var inputCount: ClosedRange<Int> { 8...8 }

  /// Rows that share a scale.
  package static var blockRows: Int { MXFormat.groupPartitions * MXFormat.packedCount }
  /// Rows of a packed element.
  package static var packedRows: Int { MXFormat.packedCount }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (x, logits, gate) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(
      x.rank == 2 && logits.rank == 2 && logits[0] == x[0] && gate.rank == 3,
      "tokens are rows, weights have an axis of experts")
    let (experts, width, hidden) = (logits[1], x[1], gate[2])
    try inputs.require(
      width % Self.blockRows == 0 && hidden % Self.blockRows == 0,
      "widths are multiples of \(Self.blockRows)")
    for (place, rows, columns) in [(2, width, hidden), (4, width, hidden), (6, hidden, width)] {
      try inputs.require(
        inputs[place].shape.dimensions == [experts, rows / Self.packedRows, columns]
          && inputs[place + 1].shape.dimensions == [experts, rows / Self.blockRows, columns],
        "inputs \(place) and \(place + 1) are not numbers and scales of \(rows) x \(columns)")
    }
    try inputs.require(
      (1...experts).contains(chosen), "\(chosen) of \(experts) experts cannot be chosen")
    return [TensorType(x, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    ExpertLayer(chosen: chosen).operationCount(inputs, results)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape = inputs[0].shape
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: inputs[0].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    var result = [Double](repeating: 0, count: indices.count)
    visit(inputs, at: indices) { result[$0] += $1.reduce(0, +) }
    return result
  }

  /// Sums in fp32 of exact products. Where a hidden activation lies between two codes, its own last
  /// bit decides: two steps of the largest are granted.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { Optional($0) }, of: self, node: name)
    let largest = inputs[1].allValues.reduce(0) { max($0, abs($1)) }
    let relative = 2 * Tolerance.function + 8 * Tolerance.sum * (largest + 1)
    let step = 4 * Roundoff.unit(of: .float8e4m3fn)
    var result = [Double](repeating: 0, count: indices.count)
    visit(inputs, at: indices) { position, terms in
      let walk = Tolerance.factor * Tolerance.sum * Double(terms.count).squareRoot()
      result[position] +=
        (walk + relative) * terms.reduce(0) { $0 + abs($1) }
        + step * terms.reduce(0) { max($0, abs($1)) }
    }
    return result
  }

  /// Calls `body` for each expert of each wanted element with the terms of its sum.
  private func visit(
    _ inputs: Operands<TensorView>, at indices: [Int], _ body: (Int, [Double]) -> Void
  ) {
    let width = inputs[0].shape[1]
    let byToken = Dictionary(grouping: indices.indices) { indices[$0] / width }
    for (token, positions) in byToken.sorted(by: { $0.key < $1.key }) {
      let x = MicroscaledValues.rounded(inputs[0].row(token))
      for (expert, weight) in choice(inputs[1].row(token)) {
        let gate = product(x, ScaledMatrix(inputs, 2, expert: expert))
        let up = product(x, ScaledMatrix(inputs, 4, expert: expert))
        let hidden = MicroscaledValues.rounded(
          zip(gate, up).map { gate, up in
            let value = weight * gate / (1 + exp(-gate)) * up
            let bits = NumberFormat.bfloat16.encode(Float(value))
            return Double(NumberFormat.bfloat16.decode(bits))
          })
        let down = ScaledMatrix(inputs, 6, expert: expert)
        for position in positions {
          let column = indices[position] % width
          body(position, hidden.indices.map { hidden[$0] * down[$0, column] })
        }
      }
    }
  }

  private func product(_ x: [Double], _ matrix: ScaledMatrix) -> [Double] {
    (0..<matrix.columns).map { column in
      x.indices.reduce(0) { $0 + x[$1] * matrix[$1, column] }
    }
  }

  /// The chosen experts of a token and their weights.
  private func choice(_ logits: [Double]) -> [(expert: Int, weight: Double)] {
    let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }.prefix(chosen)
    let weights = Float64Interpreter.softmax(order.map { logits[$0] })
    return zip(order, weights).map { ($0, $1) }
  }
}
