import ModelGraph
import NumericFormats

/// BERT's pretraining: some tokens of each sequence are masked and predicted, by the embedding of
/// tokens used the other way round; the first token of each says whether the second sentence
/// follows the first.
///
/// Source: BERT (arXiv 1810.04805), section 3.1 and appendix A. Its dropout is left out.
extension EncoderGraphs {
  /// Forward, backward and the optimiser's step of the whole model.
  func pretraining(_ optimizer: Optimizer, named name: String) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    builder.trainsWeights = true
    var x = try embedded(&builder)
    for layer in 0..<model.layers {
      builder.layer = layer
      let result = "layer\(layer).y"
      try self.layer(x, prefix: "layer\(layer).", result: result, &builder)
      x = result
    }
    builder.layer = nil
    let masked = try maskedLoss(x, &builder)
    let next = try nextLoss(x, &builder)
    builder.trainsWeights = false
    try builder.apply(.add, to: [masked, next], name: "loss", format: .float32, role: .output)
    let weights = builder.graph.tensors.filter { $0.role == .state }.map(\.name)
    try builder.step(optimizer, builder.differentiate("loss", in: weights))
    return try builder.finish()
  }

  /// The mean cross-entropy of the masked tokens.
  private func maskedLoss(_ x: String, _ builder: inout GraphBuilder) throws(GraphError) -> String {
    let count = parameters.batch * parameters.predictions
    try builder.given("masked_rows", [count], format: .int32, fill: .indices(count: rows))
    try builder.given(
      "masked_tokens", [count], format: .int32, fill: .indices(count: model.vocabulary))
    try builder.apply(.gather, to: [x, "masked_rows"], name: "masked")
    try dense("masked", "masked_hidden", model.hidden, model.hidden, &builder)
    try builder.apply(
      .elementwise(Elementwise(.gelu)), to: ["masked_hidden"], name: "masked_activated")
    try normalized("masked_activated", name: "masked_normal", &builder)
    try builder.product(
      "masked_normal", "token_embedding", name: "masked_product", transposeB: true,
      format: .float32)
    try builder.given(
      "b_masked", [model.vocabulary], role: .weight, format: .float32,
      fill: .normal(standardDeviation: 0.1))
    try builder.apply(
      .add, to: ["masked_product", "b_masked"], name: "masked_logits", format: .float32)
    return try builder.apply(
      .softmaxCrossEntropyLoss, to: ["masked_logits", "masked_tokens"], name: "masked_loss",
      format: .float32, role: .output)
  }

  /// The mean cross-entropy of what the first tokens say of the sentences.
  private func nextLoss(_ x: String, _ builder: inout GraphBuilder) throws(GraphError) -> String {
    let batch = parameters.batch
    try builder.apply(
      .reshape(Reshape(to: [batch, parameters.tokens, model.hidden])), to: [x], name: "sequences")
    try builder.apply(
      .stridedSlice(
        StridedSlice(
          starts: [0, 0, 0], counts: [batch, 1, model.hidden], steps: [1, 1, 1])),
      to: ["sequences"], name: "first_tokens")
    try builder.apply(
      .reshape(Reshape(to: [batch, model.hidden])), to: ["first_tokens"], name: "first_rows")
    try dense("first_rows", "pooled_sum", model.hidden, model.hidden, &builder)
    try builder.apply(.elementwise(Elementwise(.tanh)), to: ["pooled_sum"], name: "pooled")
    try builder.weight("w_next", rows: model.hidden, columns: 2)
    try builder.given(
      "b_next", [2], role: .weight, format: .float32, fill: .normal(standardDeviation: 0.1))
    try builder.product("pooled", "w_next", name: "next_product", format: .float32)
    try builder.apply(
      .add, to: ["next_product", "b_next"], name: "next_logits", format: .float32)
    try builder.given("is_next", [batch], format: .int32, fill: .indices(count: 2))
    return try builder.apply(
      .softmaxCrossEntropyLoss, to: ["next_logits", "is_next"], name: "next_loss",
      format: .float32, role: .output)
  }
}
