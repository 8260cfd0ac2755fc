import Foundation

/// A mixture of experts: inputs x [T, D], logits [T, E], gate and up [E, D, F], down [E, F, D].
///
/// Token t chooses the `chosen` experts with the largest logits, the first of equal ones; its
/// result is Σ weight · (silu(x · gate) ∘ (x · up)) · down over them, weights the softmax of their
/// logits. ONNX has no such operator; this is the layer of Mixtral (arXiv 2401.04088, section 2.1).
package struct ExpertLayer: OperatorFamily {
  /// Experts of each token.
  package var chosen: Int

  /// A layer of which each token sees that many experts.
  package init(chosen: Int) { self.chosen = chosen }

  package var name: String { "MixtureOfExperts" }
  package var inputCount: ClosedRange<Int> { 5...5 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (x, logits, gate, up, down) = (
      inputs[0].shape, inputs[1].shape, inputs[2].shape, inputs[3].shape, inputs[4].shape
    )
    try inputs.require(
      x.rank == 2 && logits.rank == 2 && gate.rank == 3 && down.rank == 3,
      "tokens are rows, weights have an axis of experts")
    try inputs.require(
      logits[0] == x[0] && gate[0] == logits[1] && gate[1] == x[1] && up == gate
        && down.dimensions == [gate[0], gate[2], gate[1]],
      "tokens, experts or widths differ")
    try inputs.require(
      (1...gate[0]).contains(chosen), "\(chosen) of \(gate[0]) experts cannot be chosen")
    return [TensorType(x, inputs[0].type)]
  }

  /// Products of the chosen experts alone, and the few operations per hidden element.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let (tokens, width, hidden) = (
      inputs[0].shape[0], inputs[0].shape[1], inputs[2].shape[2]
    )
    return tokens * chosen * (6 * width * hidden + 6 * hidden)
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
    visit(inputs, at: indices) { part, columns in
      for (position, column) in columns {
        result[position] += part.weight * dot(part.hidden, part.down(column))
      }
    }
    return result
  }

  /// The hidden activations may be rounded before they meet down, and each expert's result before
  /// it is weighted; everything else is a sum in fp32.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { Optional($0) }, of: self, node: name)
    let largest = inputs[1].allValues.reduce(0) { max($0, abs($1)) }
    let relative = 2 * Tolerance.function + 8 * Tolerance.sum * (largest + 1)
    var result = [Double](repeating: 0, count: indices.count)
    visit(inputs, at: indices) { part, columns in
      let errors = part.hiddenErrors()
      for (position, column) in columns {
        let down = part.down(column)
        let each = zip(part.hidden, down).map { $0 * $1 }
        let sums =
          Tolerance.sum * Double(each.count).squareRoot() * norm(part.hidden) * norm(down)
        let error =
          Tolerance.factor
          * (tolerance.middle * norm(each) + norm(zip(errors, down).map { $0 * $1 }) + sums)
        let rounded = relative + tolerance.middle
        result[position] += part.weight * (error + rounded * abs(each.reduce(0, +)))
      }
    }
    return result
  }

  /// What a token has of one of its experts.
  private struct Part {
    var weight: Double
    var hidden: [Double]
    var gate: [Double]
    var up: [Double]
    var token: [Double]
    var expert: Int
    var inputs: Operands<TensorView>

    /// A column of the expert's down.
    func down(_ column: Int) -> [Double] {
      let (hidden, width) = (inputs[4].shape[1], inputs[4].shape[2])
      return inputs[4].vector(
        start: expert * hidden * width + column, stride: width, count: hidden)
    }

    /// How far fp32 sums and functions may move each hidden activation.
    func hiddenErrors() -> [Double] {
      let (width, count) = (inputs[2].shape[1], inputs[2].shape[2])
      let start = expert * width * count
      var squares = [[Double]](repeating: [Double](repeating: 0, count: count), count: 2)
      for row in 0..<width {
        for (number, view) in [inputs[2], inputs[3]].enumerated() {
          let values = view.vector(start: start + row * count, stride: 1, count: count)
          for column in 0..<count { squares[number][column] += values[column] * values[column] }
        }
      }
      let sum = Tolerance.factor * Tolerance.sum * Double(width).squareRoot() * norm(token)
      return hidden.indices.map { index in
        let gated = gate[index] / (1 + exp(-gate[index]))
        return 1.1 * abs(up[index]) * sum * squares[0][index].squareRoot()
          + abs(gated) * sum * squares[1][index].squareRoot()
          + abs(hidden[index]) * (Tolerance.function + 4 * Tolerance.sum * abs(gate[index]))
      }
    }
  }

  /// Calls `body` for each expert of each token that elements are wanted of, with the positions and
  /// columns of these.
  private func visit(
    _ inputs: Operands<TensorView>, at indices: [Int],
    _ body: (Part, [(position: Int, column: Int)]) -> Void
  ) {
    let (width, hidden) = (inputs[2].shape[1], inputs[2].shape[2])
    let byToken = Dictionary(grouping: indices.indices) { indices[$0] / width }
    for (token, positions) in byToken.sorted(by: { $0.key < $1.key }) {
      let columns = positions.map { (position: $0, column: indices[$0] % width) }
      let x = inputs[0].row(token)
      for (expert, weight) in choice(inputs[1].row(token)) {
        var sums = [[Double]](repeating: [Double](repeating: 0, count: hidden), count: 2)
        for (number, view) in [inputs[2], inputs[3]].enumerated() {
          for row in 0..<width {
            let values = view.vector(
              start: (expert * width + row) * hidden, stride: 1, count: hidden)
            for column in 0..<hidden { sums[number][column] += x[row] * values[column] }
          }
        }
        let product = zip(sums[0], sums[1]).map { $0 / (1 + exp(-$0)) * $1 }
        body(
          Part(
            weight: weight, hidden: product, gate: sums[0], up: sums[1], token: x, expert: expert,
            inputs: inputs), columns)
      }
    }
  }

  /// The chosen experts of a token and their weights.
  private func choice(_ logits: [Double]) -> [(expert: Int, weight: Double)] {
    let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }.prefix(chosen)
    let weights = Float64Interpreter.softmax(order.map { logits[$0] })
    return zip(order, weights).map { ($0, $1) }
  }
}
