import ModelGraph
import NumericFormats

/// GPT-J's layer: attention and the feed-forward part both read one norm, and both are added to x.
///
/// Source: the published model (EleutherAI's gpt-j-6b): neighbouring channels are turned, 64 of
/// each head's 256; no biases around attention.
extension DecoderGraphs {
  /// Appends the layer over `x`.
  func parallel(_ builder: inout GraphBuilder) throws(GraphError) {
    let width = model.heads * model.headDimension
    try builder.scale("norm", model.hidden)
    try builder.given("norm_bias", [model.hidden], role: .weight)
    try builder.apply(
      .layerNormalization(epsilon: model.epsilon), to: ["x", "norm", "norm_bias"], name: "input")
    for name in ["query", "key", "value"] {
      try builder.weight("w_\(name)", rows: model.hidden, columns: width)
      try builder.product(
        "input", "w_\(name)", name: name, hints: KernelHints(fusion: "projections"))
    }
    for name in ["query", "key"] { try turn(name, width, &builder) }
    try attention(&builder, window: nil)
    try builder.weight("w_output", rows: width, columns: model.hidden)
    try builder.product("attended", "w_output", name: "attention_output")
    try builder.apply(.add, to: ["x", "attention_output"], name: "middle")
    try dense("input", "wide", model.hidden, model.feedForward, &builder)
    try builder.apply(.elementwise(Elementwise(.geluTanh)), to: ["wide"], name: "activated")
    try dense("activated", "narrow", model.feedForward, model.hidden, &builder)
    try builder.apply(.add, to: ["middle", "narrow"], name: "y", role: .output)
  }

  /// A product and its bias.
  private func dense(
    _ x: String, _ name: String, _ inputs: Int, _ outputs: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.weight("w_\(name)", rows: inputs, columns: outputs)
    try builder.product(x, "w_\(name)", name: "\(name)_product")
    try bias("\(name)_product", name, outputs, name: name, &builder)
  }

  /// Turns a part of each head by the tables.
  private func turn(_ name: String, _ width: Int, _ builder: inout GraphBuilder)
    throws(GraphError)
  {
    let rotary = TableRotary(
      isInterleaved: true, turnedChannels: model.rotaryChannels ?? 0, heads: model.heads)
    try builder.apply(
      .reshape(Reshape(to: [parameters.batch, parameters.tokens, width])), to: [name],
      name: "\(name)_by_sequence")
    try builder.apply(
      .tableRotary(rotary), to: ["\(name)_by_sequence", "cosine", "sine", "positions"],
      name: "\(name)_turned")
    try builder.apply(
      .reshape(Reshape(to: [rows, width])), to: ["\(name)_turned"], name: "turned_\(name)")
  }

  /// The rows of the tables that each token takes.
  func positions(_ builder: inout GraphBuilder) throws(GraphError) {
    let shape: TensorShape = [parameters.batch, parameters.tokens]
    let places = (0..<rows).map { Int64($0 % parameters.tokens) }
    let view = try TensorView(integers: places, shape: shape, type: .int64)
    try builder.given(
      "positions", shape, role: .weight, fill: .values(TensorConstant(view)), type: .int64)
  }

  /// The last norm and the logits with their bias.
  func parallelHead(_ x: String, _ builder: inout GraphBuilder) throws(GraphError) {
    try builder.given("final_norm_bias", [model.hidden], role: .weight)
    try builder.given(
      "b_logits", [model.vocabulary], role: .weight, format: .float32,
      fill: .normal(standardDeviation: 0.1))
    try builder.apply(
      .layerNormalization(epsilon: model.epsilon), to: [x, "final_norm", "final_norm_bias"],
      name: "normalized")
    try builder.product("normalized", "w_logits", name: "logits_product", format: .float32)
    try builder.apply(
      .add, to: ["logits_product", "b_logits"], name: "logits", format: .float32, role: .output)
  }
}
