import ModelGraph
import NumericFormats

extension TextTask {
  private func lengths(batch: Int) -> HeadDimensions {
    HeadDimensions(batch: batch, heads: heads, tokens: context, channels: width / heads)
  }

  private var angles: RotaryAngles {
    RotaryAngles(base: 10_000, channels: width / heads, firstPosition: 0)
  }

  /// Appends the transformer over the input `tokens`, windows one after the other, up to `logits`:
  /// normalise, attend to what came before, add; normalise, widen, add.
  func forward(
    batch: Int, weights: NumberFormat, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.given(
      "tokens", [batch * context], format: .int32, fill: .indices(count: vocabulary))
    let turns: TensorShape = [context, width / heads / 2]
    try builder.given(
      "cosine", turns, role: .weight, format: .float32, fill: .rotaryCosine(angles))
    try builder.given("sine", turns, role: .weight, format: .float32, fill: .rotarySine(angles))
    let table = try builder.kept("embedding", [vocabulary, width], 1, in: weights)
    var x = try builder.apply(.gather, to: [table, "tokens"], name: "embedded")
    for layer in 0..<layers {
      builder.layer = layer
      x = try block("layer\(layer)", x, batch: batch, weights: weights, &builder)
    }
    builder.layer = nil
    let last = try builder.normalized(x, "final", width, in: weights)
    let projection = try builder.kept("w_logits", [vocabulary, width], 0.02, in: weights)
    try builder.product(last, projection, name: "logits", transposeB: true, format: .float32)
  }

  /// Appends the mean cross-entropy of the input `labels`, in nats.
  func loss(batch: Int, _ builder: inout GraphBuilder) throws(GraphError) {
    try builder.given(
      "labels", [batch * context], format: .int32, fill: .indices(count: vocabulary))
    try builder.apply(
      .softmaxCrossEntropyLoss, to: ["logits", "labels"], name: "loss", format: .float32,
      role: .output)
  }

  /// One layer; what it adds begins small, so that the stream keeps its size through all layers.
  private func block(
    _ name: String, _ x: String, batch: Int, weights: NumberFormat, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let lengths = lengths(batch: batch)
    let usual = 1 / Double(width).squareRoot()
    let depth = Double(2 * layers)
    func dense(
      _ x: String, _ part: String, _ inputs: Int, _ outputs: Int, _ deviation: Double,
      _ builder: inout GraphBuilder
    ) throws(GraphError) -> String {
      let matrix = try builder.kept(
        "\(name).w_\(part)", [inputs, outputs], deviation, in: weights)
      return try builder.product(x, matrix, name: "\(name).\(part)")
    }
    let seen = try builder.normalized(x, "\(name).attention", width, in: weights)
    var heads: [String] = []
    for part in ["query", "key"] {
      let flat = try dense(seen, part, width, width, usual, &builder)
      heads.append(
        try builder.apply(
          .rotaryEmbedding(RotaryEmbedding(lengths: lengths, angles: angles)),
          to: [flat, "cosine", "sine"], name: "\(name).turned_\(part)"))
    }
    heads.append(try dense(seen, "value", width, width, usual, &builder))
    let attended = try builder.apply(
      .attention(Attention(query: lengths, key: lengths, isCausal: true)), to: heads,
      name: "\(name).attended")
    let read = try dense(
      attended, "output", width, width, usual / depth.squareRoot(), &builder)
    let middle = try builder.apply(.add, to: [x, read], name: "\(name).middle")
    let scaled = try builder.normalized(middle, "\(name).feed_forward", width, in: weights)
    let wide = try dense(scaled, "up", width, feedForward, usual, &builder)
    let active = try builder.apply(.silu, to: [wide], name: "\(name).active")
    let narrow = try dense(
      active, "down", feedForward, width, 1 / (depth * Double(feedForward)).squareRoot(),
      &builder)
    return try builder.apply(.add, to: [middle, narrow], name: "\(name).sum")
  }
}

extension GraphBuilder {
  /// Declares trained weights, kept in `format`, and where that is not the builder's their copy
  /// for computing; returns what computes.
  fileprivate mutating func kept(
    _ name: String, _ shape: TensorShape, fill: TensorFill, in format: NumberFormat
  ) throws(GraphError) -> String {
    try given(name, shape, role: .state, format: format, fill: fill)
    if format == self.format { return name }
    return try apply(.copy, to: [name], name: "\(name)_narrow")
  }

  /// Trained weights of that standard deviation.
  fileprivate mutating func kept(
    _ name: String, _ shape: TensorShape, _ deviation: Double, in format: NumberFormat
  ) throws(GraphError) -> String {
    try kept(name, shape, fill: .normal(standardDeviation: deviation), in: format)
  }

  /// A root-mean-square norm whose trained scale begins at 1.
  fileprivate mutating func normalized(
    _ x: String, _ name: String, _ width: Int, in format: NumberFormat
  ) throws(GraphError) -> String {
    let scale = try kept("\(name)_norm", [width], fill: .constant(1), in: format)
    return try apply(
      .rmsNormalization(epsilon: 1e-5), to: [x, scale], name: "\(name)_input")
  }
}
