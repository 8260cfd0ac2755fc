import Foundation

/// How a linear attention changes its state; the raw value is ONNX's word.
package enum LinearAttentionRule: String, Hashable, Sendable, CaseIterable {
  case linear
  case gated
  case delta
  case gatedDelta = "gated_delta"
}

/// Attention with a state of fixed size (ONNX LinearAttention, opset 26): inputs Q, K, V, and by
/// the rule a past state, a decay and a beta. Results are Y and the state after the last token.
///
/// Token by token: the state decays, takes k ⊗ v (with a delta rule only what it does not yet
/// hold), and is read by q.
package struct LinearAttention: OperatorFamily {
  /// How the state changes.
  package var rule: LinearAttentionRule
  /// Heads of Q.
  package var queryHeads: Int
  /// Heads of K and V.
  package var keyHeads: Int
  /// What a read is multiplied by; nil for 1/sqrt(channels).
  package var scale: Double?

  /// An attention of these attributes.
  package init(rule: LinearAttentionRule, queryHeads: Int, keyHeads: Int, scale: Double? = nil) {
    self.rule = rule
    self.queryHeads = queryHeads
    self.keyHeads = keyHeads
    self.scale = scale
  }

  package var name: String { "LinearAttention" }
  package var inputCount: ClosedRange<Int> { 3...6 }

  private var decays: Bool { rule == .gated || rule == .gatedDelta }
  private var corrects: Bool { rule == .delta || rule == .gatedDelta }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(
      q.rank == 3 && k.rank == 3 && v.rank == 3 && queryHeads > 0 && keyHeads > 0
        && queryHeads % keyHeads == 0,
      "three axes each, and query heads are a multiple of key heads")
    let (channels, values) = (q[2] / queryHeads, v[2] / keyHeads)
    try inputs.require(
      k[2] == channels * keyHeads && q[2] == channels * queryHeads && v[2] == values * keyHeads
        && k[1] == q[1] && v[1] == q[1], "the axes do not divide by the heads")
    try inputs.require(
      (inputs.optional(4) != nil) == decays && (inputs.optional(5) != nil) == corrects,
      "the rule says whether decay and beta are given")
    let state: TensorShape = [q[0], keyHeads, channels, values]
    if let past = inputs.optional(3) {
      try inputs.require(past.shape == state, "the past state is \(state)")
    }
    if let decay = inputs.optional(4) {
      try inputs.require(
        decay.shape.rank == 3
          && (decay.shape[2] == keyHeads || decay.shape[2] == keyHeads * channels),
        "a decay is one per head or per channel")
    }
    if let beta = inputs.optional(5) {
      try inputs.require(
        beta.shape.rank == 3 && (beta.shape[2] == keyHeads || beta.shape[2] == 1),
        "a beta is one per head or one")
    }
    return [
      TensorType([q[0], q[1], queryHeads * values], inputs[0].type),
      TensorType(state, inputs.optional(3)?.type ?? inputs[0].type),
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let state = results[1].shape.elementCount * inputs[0].shape[1]
    return state * (2 + (decays ? 1 : 0) + (corrects ? 2 : 0))
      + 2 * state * queryHeads / keyHeads
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let types = try results(
      Operands(
        inputs.values.map { $0.map { TensorType($0.shape, $0.type) } }, of: self,
        node: inputs.node))
    let (batches, tokens) = (inputs[0].shape[0], inputs[0].shape[1])
    let (channels, values) = (types[1].shape[2], types[1].shape[3])
    let factor = scale ?? 1 / Double(channels).squareRoot()
    var states = inputs.optional(3)?.allValues ?? []
    if states.isEmpty { states = [Double](repeating: 0, count: types[1].shape.elementCount) }
    var output = [Double](repeating: 0, count: types[0].shape.elementCount)
    for batch in 0..<batches {
      for head in 0..<keyHeads {
        let base = (batch * keyHeads + head) * channels * values
        var state = Array(states[base..<base + channels * values])
        for token in 0..<tokens {
          let row = batch * tokens + token
          step(inputs, &state, row: row, head: head, channels: channels, values: values)
          for group in 0..<queryHeads / keyHeads {
            let reader = head * (queryHeads / keyHeads) + group
            for value in 0..<values {
              var sum = 0.0
              for channel in 0..<channels {
                sum +=
                  inputs[0][(row * queryHeads + reader) * channels + channel]
                  * state[channel * values + value]
              }
              output[(row * queryHeads + reader) * values + value] = factor * sum
            }
          }
        }
        states.replaceSubrange(base..<base + channels * values, with: state)
      }
    }
    return [
      try TensorView(output, shape: types[0].shape, type: types[0].type),
      try TensorView(states, shape: types[1].shape, type: types[1].type),
    ]
  }

  /// One token's change of one head's state.
  private func step(
    _ inputs: Operands<TensorView>, _ state: inout [Double], row: Int, head: Int, channels: Int,
    values: Int
  ) {
    if let decay = inputs.optional(4) {
      let isPerHead = decay.shape[2] == keyHeads
      for channel in 0..<channels {
        let place = isPerHead ? row * keyHeads + head : (row * keyHeads + head) * channels + channel
        let kept = exp(decay[place])
        for value in 0..<values { state[channel * values + value] *= kept }
      }
    }
    let key = inputs[1].vector(
      start: (row * keyHeads + head) * channels, stride: 1, count: channels)
    for value in 0..<values {
      var added = inputs[2][(row * keyHeads + head) * values + value]
      if let beta = inputs.optional(5) {
        let held = (0..<channels).reduce(0.0) { $0 + state[$1 * values + value] * key[$1] }
        added = beta[beta.shape[2] == 1 ? row : row * keyHeads + head] * (added - held)
      }
      for channel in 0..<channels { state[channel * values + value] += key[channel] * added }
    }
  }
}
