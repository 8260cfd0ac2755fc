package import ModelGraph
package import NumericFormats

/// Graphs of an encoder in the manner of BERT: attend to every token, add and normalise; widen by
/// GELU, add and normalise.
///
/// Activations are `[batch · tokens, hidden]`; weights are `[inputs, outputs]`, biases fp32. Every
/// sequence has its full length: what is padding to a model is work to a machine.
package struct EncoderGraphs: Sendable {
  let parameters: DecoderParameters
  let format: NumberFormat
  var model: ModelArchitecture { parameters.architecture }
  var rows: Int { parameters.batch * parameters.tokens }

  /// Graphs of these shapes with activations and weights in `format`.
  package init(_ parameters: DecoderParameters, format: NumberFormat) {
    self.parameters = parameters
    self.format = format
  }

  /// One layer; its given tensors are x and the weights.
  package func layer(named name: String, layer: Int? = 0) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    builder.layer = layer
    builder.trainsWeights = parameters.optimizer != nil
    try builder.given("x", [rows, model.hidden])
    try self.layer("x", prefix: "", result: "y", role: .output, &builder)
    if let optimizer = parameters.optimizer { try builder.trainLayer(optimizer) }
    return try builder.finish()
  }

  /// Appends a layer over `x`; its tensors' names begin with `prefix`, but for the result's.
  func layer(
    _ x: String, prefix: String, result: String, role: TensorRole = .intermediate,
    _ builder: inout GraphBuilder
  ) throws(GraphError) {
    let width = model.heads * model.headDimension
    let name = { (part: String) in prefix + part }
    for part in ["query", "key", "value"] {
      try dense(x, name(part), model.hidden, width, &builder)
    }
    let lengths = HeadDimensions(
      batch: parameters.batch, heads: model.heads, tokens: parameters.tokens,
      channels: model.headDimension)
    try builder.apply(
      .attention(Attention(query: lengths, key: lengths, isCausal: false)),
      to: ["query", "key", "value"].map(name), name: name("attended"))
    try dense(name("attended"), name("attention_output"), width, model.hidden, &builder)
    try builder.apply(.add, to: [name("attention_output"), x], name: name("middle_sum"))
    try normalized(name("middle_sum"), name: name("middle"), &builder)
    try dense(name("middle"), name("wide"), model.hidden, model.feedForward, &builder)
    try builder.apply(
      .elementwise(Elementwise(.gelu)), to: [name("wide")], name: name("activated"))
    try dense(name("activated"), name("narrow"), model.feedForward, model.hidden, &builder)
    try builder.apply(.add, to: [name("narrow"), name("middle")], name: name("sum"))
    try normalized(name("sum"), name: result, role: role, &builder)
  }

  /// A product and its bias; the result is called `name`.
  func dense(
    _ x: String, _ name: String, _ inputs: Int, _ outputs: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.weight("w_\(name)", rows: inputs, columns: outputs)
    try builder.given(
      "b_\(name)", [outputs], role: .weight, format: .float32,
      fill: .normal(standardDeviation: 0.1))
    try builder.product(x, "w_\(name)", name: "product_\(name)")
    try builder.apply(.add, to: ["product_\(name)", "b_\(name)"], name: name)
  }

  func normalized(
    _ x: String, name: String, role: TensorRole = .intermediate, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.scale("\(name)_scale", model.hidden)
    try builder.given("\(name)_bias", [model.hidden], role: .weight)
    try builder.apply(
      .layerNormalization(epsilon: model.epsilon), to: [x, "\(name)_scale", "\(name)_bias"],
      name: name, role: role)
  }

  /// Token, position and segment numbers to the last layer's activations.
  package func model(named name: String) throws(GraphError) -> Graph {
    if let optimizer = parameters.optimizer { return try pretraining(optimizer, named: name) }
    let block = try layer(named: "layer", layer: nil)
    var builder = GraphBuilder(name: name, format: format)
    try builder.add(function: block)
    var x = try embedded(&builder)
    for layer in 0..<model.layers {
      builder.layer = layer
      let isLast = layer == model.layers - 1
      x = try builder.callLayer(
        block, layer: layer, x: x, outputRole: isLast ? ["y": .output] : [:])
    }
    return try builder.finish()
  }

  /// The normalised sum of the embeddings of token, position and segment numbers.
  func embedded(_ builder: inout GraphBuilder) throws(GraphError) -> String {
    var x = ""
    for (kind, count) in [
      ("token", model.vocabulary), ("position", model.positions), ("segment", model.segments),
    ] where count > 0 {
      try builder.given("\(kind)s", [rows], format: .int32, fill: .indices(count: count))
      try builder.given("\(kind)_embedding", [count, model.hidden], role: .weight)
      let embedded = try builder.apply(
        .gather, to: ["\(kind)_embedding", "\(kind)s"], name: "embedded_\(kind)s")
      x =
        x.isEmpty
        ? embedded : try builder.apply(.add, to: [x, embedded], name: "with_\(kind)s")
    }
    try normalized(x, name: "embedded", &builder)
    return "embedded"
  }
}

extension GraphBuilder {
  /// Calls a layer whose given tensors are x and weights, which are declared for it; returns the
  /// name of y.
  mutating func callLayer(
    _ block: Graph, layer: Int, x: String, outputRole: [String: TensorRole] = [:]
  ) throws(GraphError) -> String {
    let name = "layer\(layer)"
    var inputs: [String] = []
    for formal in block.givenTensors {
      guard formal.name != "x" else {
        inputs.append(x)
        continue
      }
      inputs.append(
        try given(
          "\(name).\(formal.name)", formal.shape, role: formal.role, format: formal.format,
          fill: formal.fill))
    }
    return try call(block.name, with: inputs, name: name, outputRole: outputRole)[0]
  }
}
