import Foundation

/// Graph attention over sampled neighbours: each node takes the weighted sum of its neighbours'
/// values, the weights a softmax over the neighbours. No ONNX operator.
///
/// Inputs: sources [rows, heads · size + heads], the values of each head and behind them one score
/// per head; targets [nodes, columns], the nodes' own scores, of which `heads` from `firstScore` on
/// count; neighbours [nodes, places], rows of sources, where a number beyond them marks an empty
/// place. The score of a pair is leaky(source + target). A node without neighbours gets zeros.
///
/// Source: Veličković et al., Graph Attention Networks (arXiv 1710.10903), equation 3: the product
/// of a vector with two concatenated features is the sum of two products.
package struct NeighbourAttention: OperatorFamily {
  /// Heads.
  package var heads: Int
  /// What a negative score is multiplied by.
  package var slope: Double
  /// The first column of the targets that counts.
  package var firstScore: Int
  /// True when places may be empty; a promise to kernels, which then need not look.
  package var isRagged: Bool

  /// Attention of so many heads.
  package init(heads: Int, slope: Double = 0.2, firstScore: Int = 0, isRagged: Bool = true) {
    self.heads = heads
    self.slope = slope
    self.firstScore = firstScore
    self.isRagged = isRagged
  }

  package var name: String { "NeighbourAttention" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (sources, targets, places) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(heads > 0, "there is at least one head")
    try inputs.require(
      sources.rank == 2 && sources[1] > heads && sources[1] % heads == 0,
      "sources are [rows, \(heads) values of equal length and \(heads) scores]")
    try inputs.require(
      places.rank == 2 && targets.rank == 2 && targets[0] == places[0],
      "targets are [nodes, columns] and neighbours [nodes, places]")
    try inputs.require(
      firstScore >= 0 && firstScore + heads <= targets[1],
      "targets have no \(heads) columns from \(firstScore) on")
    return [TensorType([places[0], sources[1] - heads], inputs[0].type)]
  }

  /// Six operations per score and two per value, of each place.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    inputs[2].shape.elementCount * (6 * heads + 2 * (inputs[0].shape[1] - heads))
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape: TensorShape = [inputs[2].shape[0], inputs[0].shape[1] - heads]
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: inputs[0].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    pairs(inputs, at: indices).map { pairs in
      zip(pairs.weights, pairs.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  /// The neighbours of one node under one head: shares, one element of their values, and the size
  /// of the largest part of a score.
  private struct Pairs {
    var weights: [Double] = []
    var values: [Double] = []
    var scoreSize = 0.0
  }

  private func pairs(_ inputs: Operands<TensorView>, at indices: [Int]) -> [Pairs] {
    let sources = inputs[0]
    let width = sources.shape[1] - heads
    var known: (node: Int, head: Int, rows: [Int], pairs: Pairs)?
    return indices.map { index in
      let (node, column) = index.quotientAndRemainder(dividingBy: width)
      let head = column / (width / heads)
      if known?.node != node || known?.head != head {
        let rows = rows(inputs, of: node)
        known = (node, head, rows, shares(inputs, node, head, rows))
      }
      guard let current = known else { return Pairs() }
      var pairs = current.pairs
      pairs.values = current.rows.map { sources[$0 * (width + heads) + column] }
      return pairs
    }
  }

  private func rows(_ inputs: Operands<TensorView>, of node: Int) -> [Int] {
    let places = inputs[2].shape[1]
    return (0..<places).compactMap { place in
      let row = inputs[2][node * places + place]
      return row >= 0 && row < Double(inputs[0].shape[0]) ? Int(row) : nil
    }
  }

  private func shares(_ inputs: Operands<TensorView>, _ node: Int, _ head: Int, _ rows: [Int])
    -> Pairs
  {
    guard !rows.isEmpty else { return Pairs() }
    let length = inputs[0].shape[1]
    let own = inputs[1][node * inputs[1].shape[1] + firstScore + head]
    let others = rows.map { inputs[0][$0 * length + length - heads + head] }
    let scores = others.map { other in
      let score = other + own
      return score < 0 ? slope * score : score
    }
    return Pairs(
      weights: Float64Interpreter.softmax(scores),
      scoreSize: others.reduce(abs(own)) { max($0, abs($1)) })
  }

  /// As attention's: the shares' own errors, their products' and a random walk of the sum.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    return pairs(inputs, at: indices).map { pairs in
      let walk = Tolerance.factor * Tolerance.sum * Double(max(1, pairs.weights.count)).squareRoot()
      let argument = 8 * Tolerance.sum * pairs.scoreSize
      let relative = tolerance.middle + Tolerance.function + 2 * walk + argument
      return zip(pairs.weights, pairs.values).reduce(0) { $0 + abs($1.0 * $1.1) } * relative
    }
  }
}
