import Foundation

/// The gradient of attention in its queries, keys and values. No ONNX operator.
///
/// Inputs Q, K, V, the result O and the loss's gradient dO in it, all stored by tokens. The one
/// result holds dQ, dK and dV behind each other. With P the softmax of scale · Q · Kᵀ + mask and
/// D = Σ dO · O over a head's channels: dS = P · (dO · Vᵀ − D), dQ = scale · dS · K,
/// dK = scale · dSᵀ · Q, dV = Pᵀ · dO; heads that share keys add up.
/// Source: T. Dao et al., FlashAttention (2022), appendix B.2.
package struct AttentionGradient: OperatorFamily {
  /// The attention that is derived.
  package var attention: Attention

  /// The gradient of that attention.
  package init(_ attention: Attention) { self.attention = attention }

  /// True for the forms that are stored by tokens and have no window.
  package static func takes(_ attention: Attention) -> Bool {
    let layouts = [
      attention.queryLayout, attention.keyLayout, attention.valueLayout, attention.outputLayout,
    ]
    return layouts.allSatisfy { $0 == .tokensHeads } && attention.window == nil
      && attention.query.channels == attention.key.channels
      && (!attention.isCausal
        || attention.queryOffset == attention.key.tokens - attention.query.tokens)
  }

  package var name: String { "AttentionGradient" }
  package var inputCount: ClosedRange<Int> { 5...5 }

  /// Elements of dQ.
  package var queryCount: Int { HeadLayout.tokensHeads.shape(attention.query).elementCount }
  /// Elements of dK, and of dV.
  package var keyCount: Int { HeadLayout.tokensHeads.shape(attention.key).elementCount }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let query = HeadLayout.tokensHeads.shape(attention.query)
    let key = HeadLayout.tokensHeads.shape(attention.key)
    try inputs.require(Self.takes(attention), "stored by tokens, without a window")
    for (index, expected) in [query, key, key, query, query].enumerated() {
      try inputs.require(
        inputs[index].shape == expected, "input \(index) of this attention is \(expected)")
    }
    return [TensorType([queryCount + 2 * keyCount], inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let pairs = (0..<attention.query.tokens).reduce(0) {
      $0 + attention.visibleKeys(queryToken: $1)
    }
    // dV, dP, dQ and dK, and what makes dS of P and dP. The scores are known from the forward pass:
    // computing them a second time is the kernel's choice, which utilisation does not credit.
    return attention.query.batch * attention.query.heads * pairs
      * (8 * attention.query.channels + 4)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let found = sums(inputs, unit: 0)
    return [try TensorView(found.values, shape: [found.values.count], type: inputs[0].type)]
  }

  /// Probabilities and dS are rounded to the format of the queries; a score's error passes the
  /// exponential; sums are random walks.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let found = sums(inputs, unit: tolerance.middle)
    return indices.map { Tolerance.factor * found.squares[$0].squareRoot() }
  }

  /// All results, and the sums of the squares of what each of their terms may be off.
  private struct Sums {
    var values: [Double]
    var squares: [Double]

    mutating func add(
      _ factor: Double, _ vector: ArraySlice<Double>, at start: Int, error: Double
    ) {
      for (index, element) in vector.enumerated() {
        values[start + index] += factor * element
        squares[start + index] += error * error * element * element
      }
    }
  }

  private func sums(_ inputs: Operands<TensorView>, unit: Double) -> Sums {
    let count = queryCount + 2 * keyCount
    var sums = Sums(
      values: [Double](repeating: 0, count: count), squares: [Double](repeating: 0, count: count))
    let views = inputs.present.map(\.allValues)
    for batch in 0..<attention.query.batch {
      for head in 0..<attention.query.heads {
        for token in 0..<attention.query.tokens {
          add(views, batch, head, token, unit, &sums)
        }
      }
    }
    return sums
  }

  /// What one query of one head adds.
  private func add(
    _ views: [[Double]], _ batch: Int, _ head: Int, _ token: Int, _ unit: Double,
    _ sums: inout Sums
  ) {
    let channels = attention.query.channels
    let place = HeadLayout.tokensHeads.index(
      of: HeadPosition(batch: batch, head: head, token: token, channel: 0), in: attention.query)
    func vector(_ view: Int, _ start: Int) -> ArraySlice<Double> {
      views[view][start..<start + channels]
    }
    let keys = (0..<attention.visibleKeys(queryToken: token)).map { key in
      HeadLayout.tokensHeads.index(
        of: HeadPosition(
          batch: batch, head: head / attention.groupSize, token: key, channel: 0),
        in: attention.key)
    }
    let (query, slope, output) = (vector(0, place), vector(4, place), vector(3, place))
    let scores = keys.map { attention.scale * product(query, vector(1, $0)) }
    let shares = Float64Interpreter.softmax(scores)
    let common = product(slope, output)
    let walk = Tolerance.sum * Double(channels).squareRoot()
    let largest = scores.reduce(1) { max($0, abs($1)) }
    // The share's own score and the logarithm that all share.
    let score = 2 * (Tolerance.factor * walk * largest + Tolerance.function)
    for (key, share) in zip(keys, shares) {
      let values = vector(2, key)
      let slopeOfShare = product(slope, values) - common
      let slopeOfScore = share * slopeOfShare
      let shareError = share * (unit + score)
      let productError =
        walk * (size(slope) * (size(values) + size(output)))
      let scoreError =
        abs(slopeOfScore) * (2 * unit + score) + share * Tolerance.factor * productError
      let (dK, dV) = (queryCount + key, queryCount + keyCount + key)
      let scaled = attention.scale * slopeOfScore
      let scaledError = attention.scale * scoreError + Tolerance.sum * abs(scaled)
      sums.add(scaled, vector(1, key), at: place, error: scaledError)
      sums.add(scaled, query, at: dK, error: scaledError)
      sums.add(share, slope, at: dV, error: shareError)
    }
  }

  private func product(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func size(_ a: ArraySlice<Double>) -> Double { product(a, a).squareRoot() }
}
