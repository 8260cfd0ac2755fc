import Foundation

/// Attention with everything that ONNX gives it (opset 23 to 26): inputs Q, K, V, and optionally a
/// mask, past keys, past values, and the count of keys that are no padding.
///
/// Q, K and V have four axes `[batch, heads, tokens, channels]`, or three with heads and channels
/// merged. Results are Y, the keys and values with the past before them, and the scores at the step
/// that `scoreMode` says. The form without these extras is `Operator.attention`.
package struct MaskedAttention: OperatorFamily {
  /// True when a query sees no key after itself.
  package var isCausal: Bool
  /// Heads of Q, for tensors of three axes.
  package var queryHeads: Int?
  /// Heads of K and V, for tensors of three axes.
  package var keyHeads: Int?
  /// What Q · Kᵀ is multiplied by; nil for 1/sqrt(channels).
  package var scale: Double?
  /// Scores are squeezed to softcap · tanh(scores / softcap); 0 for none.
  package var softcap: Double
  /// Which scores the fourth result holds: 0 products, 1 after softcap, 2 with the mask, 3
  /// probabilities.
  package var scoreMode: Int
  /// Keys that a query sees before itself; negative for all.
  package var leftWindow: Int
  /// Keys that a query sees after itself; negative for all.
  package var rightWindow: Int

  /// An attention of these attributes.
  package init(
    isCausal: Bool, queryHeads: Int?, keyHeads: Int?, scale: Double?, softcap: Double = 0,
    scoreMode: Int = 0, leftWindow: Int = -1, rightWindow: Int = -1
  ) {
    self.isCausal = isCausal
    self.queryHeads = queryHeads
    self.keyHeads = keyHeads
    self.scale = scale
    self.softcap = softcap
    self.scoreMode = scoreMode
    self.leftWindow = leftWindow
    self.rightWindow = rightWindow
  }

  package var name: String { "Attention" }
  package var inputCount: ClosedRange<Int> { 3...7 }

  /// The lengths of one application.
  package struct Lengths: Sendable {
    /// Sequences.
    package var batch: Int
    /// Heads of Q and of the result.
    package var queryHeads: Int
    /// Heads of K and V.
    package var keyHeads: Int
    /// Tokens of Q.
    package var queries: Int
    /// Keys that were there before.
    package var past: Int
    /// Tokens of K.
    package var keys: Int
    /// Elements of a head of Q and K.
    package var channels: Int
    /// Elements of a head of V.
    package var valueChannels: Int
    /// Keys with the past before them.
    package var total: Int { past + keys }
  }

  /// The lengths that the inputs have. Throws `shapes` for inputs that do not fit each other.
  package func lengths<Operand>(_ inputs: Operands<Operand>) throws(GraphError) -> Lengths {
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(
      q.rank == k.rank && k.rank == v.rank && (q.rank == 4 || q.rank == 3),
      "Q, K and V have three or four axes")
    let past = inputs.optional(4).map { $0.shape.rank == 4 ? $0.shape[2] : 0 } ?? 0
    var found: Lengths
    if q.rank == 4 {
      found = Lengths(
        batch: q[0], queryHeads: q[1], keyHeads: k[1], queries: q[2], past: past, keys: k[2],
        channels: q[3], valueChannels: v[3])
      try inputs.require(k[3] == q[3] && v[2] == k[2] && v[1] == k[1], "K and V do not fit Q")
    } else {
      guard let queryHeads, let keyHeads, queryHeads > 0, keyHeads > 0 else {
        throw inputs.failure("three axes need the counts of heads")
      }
      try inputs.require(
        q[2] % queryHeads == 0 && k[2] % keyHeads == 0 && v[2] % keyHeads == 0
          && q[2] / queryHeads == k[2] / keyHeads && v[1] == k[1], "heads do not divide the axes")
      found = Lengths(
        batch: q[0], queryHeads: queryHeads, keyHeads: keyHeads, queries: q[1], past: past,
        keys: k[1], channels: q[2] / queryHeads, valueChannels: v[2] / keyHeads)
    }
    try inputs.require(
      found.keyHeads > 0 && found.queryHeads % found.keyHeads == 0 && k[0] == q[0],
      "query heads are no multiple of key heads")
    return found
  }

  /// The same as `Operator.attention` says it, for operands of these lengths without a mask and
  /// without padding; nil where that form has no words for it.
  package func plain(_ n: Lengths, hasFourAxes: Bool) -> Attention? {
    guard softcap == 0, n.channels == n.valueChannels, leftWindow < 0 || isCausal,
      rightWindow < 0 || isCausal
    else { return nil }
    let layout: HeadLayout = hasFourAxes ? .headsTokens : .tokensHeads
    var plain = Attention(
      query: HeadDimensions(
        batch: n.batch, heads: n.queryHeads, tokens: n.queries, channels: n.channels),
      key: HeadDimensions(
        batch: n.batch, heads: n.keyHeads, tokens: n.total, channels: n.channels),
      isCausal: isCausal, queryOffset: n.past, scale: scale, queryLayout: layout,
      keyLayout: layout, valueLayout: layout, outputLayout: layout)
    if leftWindow >= 0 { plain.window = leftWindow + 1 }
    return plain
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let n = try lengths(inputs)
    if let mask = inputs.optional(3) {
      let scores = TensorShape([n.batch, n.queryHeads, n.queries, mask.shape.columnCount])
      try inputs.require(
        mask.shape.broadcast(with: scores) == scores && mask.shape.columnCount <= n.total,
        "the mask does not broadcast to the scores")
    }
    let output: TensorShape =
      inputs[0].shape.rank == 4
      ? [n.batch, n.queryHeads, n.queries, n.valueChannels]
      : [n.batch, n.queries, n.queryHeads * n.valueChannels]
    return [
      TensorType(output, inputs[0].type),
      TensorType([n.batch, n.keyHeads, n.total, n.channels], inputs[1].type),
      TensorType([n.batch, n.keyHeads, n.total, n.valueChannels], inputs[2].type),
      TensorType([n.batch, n.queryHeads, n.queries, n.total], inputs[0].type),
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    guard let n = try? lengths(inputs) else { return 0 }
    return 2 * n.batch * n.queryHeads * n.queries * n.total * (n.channels + n.valueChannels)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let n = try lengths(inputs)
    let keys = present(inputs[1], inputs.optional(4), n, channels: n.channels)
    let values = present(inputs[2], inputs.optional(5), n, channels: n.valueChannels)
    let isWide = inputs[0].shape.rank == 4
    var output = [Double](
      repeating: 0, count: n.batch * n.queryHeads * n.queries * n.valueChannels)
    var scores: [Double] = []
    scores.reserveCapacity(n.batch * n.queryHeads * n.queries * n.total)
    for batch in 0..<n.batch {
      for head in 0..<n.queryHeads {
        let keyHead = batch * n.keyHeads + head / (n.queryHeads / n.keyHeads)
        for token in 0..<n.queries {
          let start =
            isWide
            ? ((batch * n.queryHeads + head) * n.queries + token) * n.channels
            : ((batch * n.queries + token) * n.queryHeads + head) * n.channels
          let query = inputs[0].vector(start: start, stride: 1, count: n.channels)
          let row = row(inputs, n, query, keys, keyHead, at: (batch, head, token))
          scores += row.shown
          let first =
            isWide
            ? ((batch * n.queryHeads + head) * n.queries + token) * n.valueChannels
            : ((batch * n.queries + token) * n.queryHeads + head) * n.valueChannels
          for (key, share) in row.probabilities.enumerated() where share != 0 {
            let from = (keyHead * n.total + key) * n.valueChannels
            for channel in 0..<n.valueChannels {
              output[first + channel] += share * values[from + channel]
            }
          }
        }
      }
    }
    let types = try results(
      Operands(
        inputs.values.map { $0.map { TensorType($0.shape, $0.type) } }, of: self,
        node: inputs.node))
    return [
      try TensorView(output, shape: types[0].shape, type: types[0].type),
      try TensorView(keys, shape: types[1].shape, type: types[1].type),
      try TensorView(values, shape: types[2].shape, type: types[2].type),
      try TensorView(scores, shape: types[3].shape, type: types[3].type),
    ]
  }

  /// Keys or values as `[batch, heads, past and new tokens, channels]`.
  private func present(_ view: TensorView, _ past: TensorView?, _ n: Lengths, channels: Int)
    -> [Double]
  {
    var result: [Double] = []
    result.reserveCapacity(n.batch * n.keyHeads * n.total * channels)
    for batch in 0..<n.batch {
      for head in 0..<n.keyHeads {
        let block = batch * n.keyHeads + head
        if let past {
          result += past.vector(
            start: block * n.past * channels, stride: 1, count: n.past * channels)
        }
        for token in 0..<n.keys {
          let start =
            view.shape.rank == 4
            ? (block * n.keys + token) * channels
            : ((batch * n.keys + token) * n.keyHeads + head) * channels
          result += view.vector(start: start, stride: 1, count: channels)
        }
      }
    }
    return result
  }

  private func row(
    _ inputs: Operands<TensorView>, _ n: Lengths, _ query: [Double], _ keys: [Double],
    _ keyHead: Int, at: (batch: Int, head: Int, token: Int)
  ) -> (probabilities: [Double], shown: [Double]) {
    let factor = scale ?? 1 / Double(n.channels).squareRoot()
    let products = (0..<n.total).map { key in
      let start = (keyHead * n.total + key) * n.channels
      var sum = 0.0
      for channel in 0..<n.channels { sum += query[channel] * keys[start + channel] }
      return sum * factor
    }
    let capped = softcap > 0 ? products.map { softcap * tanh($0 / softcap) } : products
    let bias = bias(inputs, n, at: at)
    let masked = zip(capped, bias).map { $0 + $1 }
    let isBlind = !bias.contains { $0 != -.infinity }
    let probabilities =
      isBlind ? masked.map { _ in 0 } : Float64Interpreter.softmax(masked)
    switch scoreMode {
    case 1: return (probabilities, capped)
    case 2: return (probabilities, masked)
    case 3: return (probabilities, probabilities)
    default: return (probabilities, products)
    }
  }

  /// What is added to the scores of one query: 0 or what the mask says, −∞ for keys it may not see.
  private func bias(
    _ inputs: Operands<TensorView>, _ n: Lengths, at: (batch: Int, head: Int, token: Int)
  ) -> [Double] {
    let valid = inputs.optional(6).map { $0.place(at.batch) }
    let offset = inputs.optional(4) != nil ? n.past : valid.map { $0 - n.queries } ?? 0
    let own = at.token + offset
    return (0..<n.total).map { key in
      if let valid, key >= valid { return -.infinity }
      if isCausal && key > own { return -.infinity }
      if leftWindow >= 0 && own - key > leftWindow { return -.infinity }
      if rightWindow >= 0 && key - own > rightWindow { return -.infinity }
      return mask(inputs.optional(3), n, at, key)
    }
  }

  private func mask(
    _ mask: TensorView?, _ n: Lengths, _ at: (batch: Int, head: Int, token: Int), _ key: Int
  ) -> Double {
    guard let mask else { return 0 }
    let columns = mask.shape.columnCount
    let isTest = mask.type == .bool
    guard key < columns else { return -.infinity }
    let shape = TensorShape([n.batch, n.queryHeads, n.queries, columns])
    let index = ((at.batch * n.queryHeads + at.head) * n.queries + at.token) * columns + key
    let value = mask[mask.shape.sourceIndex(of: index, in: shape)]
    return isTest ? (value != 0 ? 0 : -.infinity) : value
  }
}
