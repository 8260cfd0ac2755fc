import Foundation

/// Attention without a softmax, as HSTU has it: scale · silu(Q Kᵀ) V, head by head, causal if
/// asked. No ONNX operator.
///
/// Inputs Q and K [batch · tokens, heads · size], V [batch · tokens, heads · width].
/// Source: Zhai et al., Actions Speak Louder than Words (2024), equation 2, without a relative
/// bias.
package struct PointwiseAttention: OperatorFamily {
  /// Sequences, heads, tokens and elements of a query.
  package var lengths: HeadDimensions
  /// True when a query sees no key after itself.
  package var isCausal: Bool
  /// What the sums are multiplied by: 1 / tokens in HSTU.
  package var scale: Double

  /// Attention of these lengths.
  package init(lengths: HeadDimensions, isCausal: Bool, scale: Double) {
    self.lengths = lengths
    self.isCausal = isCausal
    self.scale = scale
  }

  package var name: String { "PointwiseAttention" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let expected = HeadLayout.tokensHeads.shape(lengths)
    try inputs.require(
      inputs[0].shape == expected && inputs[1].shape == expected, "Q and K are \(expected)")
    try inputs.require(
      inputs[2].shape.rank == 2 && inputs[2].shape[0] == expected[0]
        && inputs[2].shape[1] % lengths.heads == 0, "V has equal heads over \(expected[0]) rows")
    return [inputs[2]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let width = inputs[2].shape[1] / lengths.heads
    let tokens = lengths.tokens
    let pairs = isCausal ? tokens * (tokens + 1) / 2 : tokens * tokens
    return lengths.batch * lengths.heads * pairs * (2 * lengths.channels + 2 * width + 5)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let values = try elements(inputs, at: Array(0..<inputs[2].count))
    return [try TensorView(values, shape: inputs[2].shape, type: inputs[2].type)]
  }

  /// What a query's scores are and which values they meet.
  private struct Row {
    var scores: [Double]
    var weights: [Double]
    var query: [Double]
    var head: Int
    var firstRow: Int
  }

  private func visit<Result>(
    _ inputs: Operands<TensorView>, _ indices: [Int], _ body: (Row, [Double]) -> Result
  ) -> [Result] {
    let columns = inputs[2].shape[1]
    let width = columns / lengths.heads
    let stride = lengths.heads * lengths.channels
    var known: [Int: Row] = [:]
    return indices.map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let head = column / width
      let key = row * lengths.heads + head
      let found = known[key] ?? self.row(inputs, row, head, stride)
      if known.count > 4096 { known.removeAll() }
      known[key] = found
      let values = inputs[2].vector(
        start: found.firstRow * columns + column, stride: columns, count: found.weights.count)
      return body(found, values)
    }
  }

  private func row(_ inputs: Operands<TensorView>, _ row: Int, _ head: Int, _ stride: Int) -> Row {
    let (batch, token) = row.quotientAndRemainder(dividingBy: lengths.tokens)
    let query = inputs[0].vector(
      start: row * stride + head * lengths.channels, stride: 1, count: lengths.channels)
    let first = batch * lengths.tokens
    let scores = (0..<(isCausal ? token + 1 : lengths.tokens)).map { key in
      dot(
        query,
        inputs[1].vector(
          start: (first + key) * stride + head * lengths.channels, stride: 1,
          count: lengths.channels))
    }
    return Row(
      scores: scores, weights: scores.map { $0 / (1 + exp(-$0)) }, query: query, head: head,
      firstRow: first)
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    visit(inputs, indices) { row, values in scale * dot(row.weights, values) }
  }

  /// Weights are rounded to the format of V; a score's error passes silu, whose slope is at most
  /// 1.1; sums are random walks.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let unit = Roundoff.unit(of: inputs[2].format)
    let depth = Double(lengths.channels).squareRoot()
    return visit(inputs, indices) { row, values in
      let terms = zip(row.weights, values).map { $0 * $1 }
      let largest = row.scores.reduce(1) { max($0, abs($1)) }
      let score = 1.1 * (Tolerance.factor * Tolerance.sum * depth + Tolerance.function) * largest
      let walk = Tolerance.sum * Double(terms.count).squareRoot() + unit
      return abs(scale)
        * (Tolerance.factor * walk * norm(terms) + Tolerance.factor * score * norm(values))
    }
  }
}
