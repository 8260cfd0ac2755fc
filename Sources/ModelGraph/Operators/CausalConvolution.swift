/// A depthwise convolution along tokens that sees none after its own (ONNX CausalConvWithState):
/// inputs X `[batch, channels, tokens]`, W `[channels, 1, taps]`, optional bias, optional state of
/// the taps − 1 tokens before. Results are Y and the state after the last token.
package struct CausalConvolution: OperatorFamily {
  /// True to apply x · sigmoid(x) to the sums.
  package var appliesSilu: Bool

  /// A convolution, with or without an activation.
  package init(appliesSilu: Bool = false) { self.appliesSilu = appliesSilu }

  package var name: String { "CausalConvWithState" }
  package var inputCount: ClosedRange<Int> { 2...4 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    try inputs.require(
      x.rank == 3 && w.rank == 3 && w[0] == x[1] && w[1] == 1 && w[2] > 0,
      "X is [batch, channels, tokens] and W [channels, 1, taps]")
    let state: TensorShape = [x[0], x[1], w[2] - 1]
    if let past = inputs.optional(3) {
      try inputs.require(past.shape == state, "the past state is \(state)")
    }
    if let bias = inputs.optional(2) {
      try inputs.require(bias.shape.elementCount == x[1], "the bias is one per channel")
    }
    return [inputs[0], TensorType(state, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    inputs[0].shape.elementCount * (2 * inputs[1].shape[2] + (appliesSilu ? 5 : 0))
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let x = inputs[0]
    let (channels, tokens, taps) = (x.shape[1], x.shape[2], inputs[1].shape[2])
    var (output, state): ([Double], [Double]) = ([], [])
    for row in 0..<x.shape[0] * channels {
      let before =
        inputs.optional(3)?.vector(start: row * (taps - 1), stride: 1, count: taps - 1)
        ?? [Double](repeating: 0, count: taps - 1)
      let line = before + x.vector(start: row * tokens, stride: 1, count: tokens)
      let channel = row % channels
      let weights = inputs[1].vector(start: channel * taps, stride: 1, count: taps)
      for token in 0..<tokens {
        var sum = inputs.optional(2)?[channel] ?? 0
        for tap in 0..<taps { sum += weights[tap] * line[token + tap] }
        output.append(appliesSilu ? sum * Elementwise.sigmoid(sum) : sum)
      }
      state += line.suffix(taps - 1)
    }
    return [
      try TensorView(output, shape: x.shape, type: x.type),
      try TensorView(state, shape: [x.shape[0], channels, taps - 1], type: x.type),
    ]
  }
}
