package import ModelGraph
package import NumericFormats

/// Graphs of a decoder in the manner of Llama: normalise, attend, add; normalise, gate, add.
///
/// Activations are `[batch · tokens, hidden]`; weights are `[inputs, outputs]`. In prefill the
/// layer hands back its keys and values; in decode it writes them into caches, keys stored with
/// channels before tokens so that the tensor engine can read them as they are.
///
/// Tensor-parallel, a graph is that of one rank: it has its part of the heads and of the columns of
/// the feed-forward part, and a sum over the ranks behind each of the two (Megatron-LM, arXiv
/// 1909.08053, section 3). Embedding, norms and router are the same on every rank, and the logits
/// of its part of the vocabulary stay where they are. Where a layer is trained, the gradient of
/// what each half begins with is summed too. Tensors have the names of the whole model's; one that
/// is shorter along an axis is the rank's part of it.
package struct DecoderGraphs: Sendable {
  let parameters: DecoderParameters
  let format: NumberFormat
  private let ranks: Int
  var model: ModelArchitecture { parameters.architecture }
  var rows: Int { parameters.batch * parameters.tokens }
  /// The place of the first new token in its sequence.
  private var firstPosition: Int { parameters.context - parameters.tokens }

  /// Graphs of these shapes with activations, and weights unless the parameters say otherwise, in
  /// `format`: of the whole model, or of one of `ranks` ranks.
  package init(_ parameters: DecoderParameters, format: NumberFormat, ranks: Int = 1) {
    self.parameters = parameters
    self.format = format
    self.ranks = ranks
  }

  private var heads: Int { model.heads / ranks }
  private var keyHeads: Int { model.keyHeads / ranks }
  private var weightFormat: NumberFormat { parameters.weights ?? format }

  /// Channels of a head that are turned.
  private var rotaryChannels: Int { model.rotaryChannels ?? model.headDimension }

  private func lengths(heads: Int, tokens: Int) -> HeadDimensions {
    HeadDimensions(
      batch: parameters.batch, heads: heads, tokens: tokens, channels: model.headDimension)
  }

  private var cache: HeadDimensions {
    lengths(heads: keyHeads, tokens: parameters.context)
  }

  private var angles: RotaryAngles {
    RotaryAngles(
      base: model.rotaryBase, channels: rotaryChannels, firstPosition: firstPosition,
      scaling: model.rotaryScaling)
  }

  // MARK: One layer

  /// One decoder layer; its given tensors are x, the rotary tables, the weights, and in decode the
  /// two caches.
  ///
  /// - Parameter isWindowed: false for a layer that sees all tokens in a model where others do not.
  package func layer(named name: String, layer: Int? = 0, isWindowed: Bool = true)
    throws(GraphError) -> Graph
  {
    var builder = GraphBuilder(name: name, format: format)
    builder.layer = layer
    builder.trainsWeights = parameters.optimizer != nil && parameters.adapters == nil
    try builder.given("x", [rows, model.hidden])
    try tables(&builder)
    if model.family == .parallel {
      try parallel(&builder)
      return try builder.finish()
    }
    try builder.scale("attention_norm", model.hidden)
    let queries = heads * model.headDimension
    let keys = keyHeads * model.headDimension
    try weight("w_query", rows: model.hidden, columns: queries, &builder)
    try weight("w_key", rows: model.hidden, columns: keys, &builder)
    try weight("w_value", rows: model.hidden, columns: keys, &builder)
    try weight("w_output", rows: queries, columns: model.hidden, &builder)
    let normalize = Operator.rmsNormalization(epsilon: model.epsilon)
    try builder.apply(normalize, to: ["x", "attention_norm"], name: startName("attention_input"))
    try begin("attention_input", &builder)
    try projections(&builder)
    try attention(&builder, window: isWindowed ? model.window?.tokens : nil)
    let isPlain = !model.hasAttentionBias && parameters.adapters == nil
    let product = isPlain ? "attention_output" : "attention_product"
    try builder.product("attended", "w_output", name: partName(product))
    try sum(product, &builder)
    if model.hasAttentionBias {
      try bias(product, "output", model.hidden, name: "attention_output", &builder)
    }
    if let adapters = parameters.adapters {
      try lower("attended", "output", inputs: queries, adapters, &builder)
      try raise("output", product, model.hidden, name: "attention_output", adapters, &builder)
    }
    try builder.apply(.add, to: ["x", "attention_output"], name: "middle")
    try builder.scale("feed_forward_norm", model.hidden)
    try builder.apply(
      normalize, to: ["middle", "feed_forward_norm"], name: startName("feed_forward_input"))
    try begin("feed_forward_input", &builder)
    if let experts = model.experts {
      try mixture(experts, &builder)
    } else {
      try builder.gatedFeedForward(
        "feed_forward_input", hidden: model.hidden, feedForward: model.feedForward / ranks,
        result: partName("feed_forward_output"), weights: weightFormat)
    }
    try sum("feed_forward_output", &builder)
    try builder.apply(.add, to: ["middle", "feed_forward_output"], name: "y", role: .output)
    if let optimizer = parameters.optimizer { try builder.trainLayer(optimizer) }
    return try builder.finish()
  }

  private func weight(
    _ name: String, rows: Int, columns: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.weight(name, rows: rows, columns: columns, format: weightFormat)
  }

  /// Adds a bias to a product.
  func bias(
    _ product: String, _ part: String, _ columns: Int, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.given(
      "b_\(part)", [columns], role: .weight, format: .float32,
      fill: .normal(standardDeviation: 0.1))
    try builder.apply(.add, to: [product, "b_\(part)"], name: name)
  }

  /// The name of what a rank contributes to a result.
  private func partName(_ name: String) -> String { ranks > 1 ? "\(name)_part" : name }

  /// True where gradients go back over what ranks compute in parts.
  private var trainsParts: Bool { ranks > 1 && parameters.optimizer != nil }

  /// The name of what ranks begin a half of a layer with.
  private func startName(_ name: String) -> String { trainsParts ? "\(name)_of_all" : name }

  /// Begins what ranks compute in parts.
  private func begin(_ name: String, _ builder: inout GraphBuilder) throws(GraphError) {
    guard trainsParts else { return }
    try builder.apply(
      .parallelRegion(ParallelRegion(ranks: ranks)), to: [startName(name)], name: name)
  }

  /// The result of all ranks' parts.
  private func sum(_ name: String, _ builder: inout GraphBuilder) throws(GraphError) {
    guard ranks > 1 else { return }
    try builder.apply(.allReduce(AllReduce(ranks: ranks)), to: [partName(name)], name: name)
  }

  /// A router and the experts that it chooses from.
  private func mixture(_ experts: ModelExperts, _ builder: inout GraphBuilder) throws(GraphError) {
    let (width, hidden) = (model.hidden, model.feedForward / ranks)
    try builder.weight("w_router", rows: width, columns: experts.count)
    try builder.product("feed_forward_input", "w_router", name: "router", format: .float32)
    if parameters.scalesExperts {
      let own = scaledColumns / ranks
      try builder.scaledExperts(
        experts.count, width: width, hidden: own, chosen: experts.chosen, prefix: "w_",
        of: ("feed_forward_input", "router"), name: partName("feed_forward_output"))
      return
    }
    for name in ["w_gate", "w_up"] {
      try builder.given(
        name, [experts.count, width, hidden], role: .weight, format: weightFormat,
        fill: .normal(standardDeviation: 1 / Double(width).squareRoot()))
    }
    try builder.given(
      "w_down", [experts.count, hidden, width], role: .weight, format: weightFormat,
      fill: .normal(standardDeviation: 1 / Double(hidden).squareRoot()))
    try builder.apply(
      .expertLayer(ExpertLayer(chosen: experts.chosen)),
      to: ["feed_forward_input", "router", "w_gate", "w_up", "w_down"],
      name: partName("feed_forward_output"))
  }

  /// Hidden columns of all ranks' experts in MXFP4: each rank has whole blocks.
  private var scaledColumns: Int {
    let block = ScaledExpertLayer.blockRows
    let ranks = parameters.tensorParallel
    return (model.feedForward / ranks + block - 1) / block * block * ranks
  }

  /// The cosines and sines of the new tokens' positions, which the device reads.
  func tables(_ builder: inout GraphBuilder) throws(GraphError) {
    let shape: TensorShape = [parameters.tokens, rotaryChannels / 2]
    try builder.given(
      "cosine", shape, role: .weight, format: .float32, fill: .rotaryCosine(angles))
    try builder.given("sine", shape, role: .weight, format: .float32, fill: .rotarySine(angles))
    if model.family == .parallel { try positions(&builder) }
  }

  private func projections(_ builder: inout GraphBuilder) throws(GraphError) {
    let hints = KernelHints(fusion: "projections")
    if let adapters = parameters.adapters {
      try lower("attention_input", "projections", inputs: model.hidden, adapters, &builder)
    }
    for (name, heads) in [("query", heads), ("key", keyHeads), ("value", keyHeads)] {
      if let adapters = parameters.adapters {
        let product = try builder.product(
          "attention_input", "w_\(name)", name: "\(name)_product", hints: hints)
        try raise(
          "projections", product, heads * model.headDimension, name: name, adapters, &builder)
        continue
      }
      guard model.hasAttentionBias else {
        try builder.product("attention_input", "w_\(name)", name: name, hints: hints)
        continue
      }
      try builder.product("attention_input", "w_\(name)", name: "\(name)_product", hints: hints)
      try bias("\(name)_product", name, heads * model.headDimension, name: name, &builder)
    }
    for (name, heads) in [("query", heads), ("key", keyHeads)] {
      let rotary = RotaryEmbedding(
        lengths: lengths(heads: heads, tokens: parameters.tokens), angles: angles)
      try builder.apply(
        .rotaryEmbedding(rotary), to: [name, "cosine", "sine"], name: "turned_\(name)")
    }
  }

  func attention(_ builder: inout GraphBuilder, window: Int?) throws(GraphError) {
    let query = lengths(heads: heads, tokens: parameters.tokens)
    switch parameters.phase {
    case .prefill, .encode:
      var attention = Attention(query: query, key: cache, isCausal: true)
      attention.window = window
      try builder.apply(
        .attention(attention), to: ["turned_query", "turned_key", "value"], name: "attended")
      // A training has no cache to fill.
      guard parameters.optimizer == nil else { return }
      try builder.mark("turned_key", as: .output)
      try builder.mark("value", as: .output)
    case .decode:
      try write("turned_key", into: "key_cache", .headsTransposed, &builder)
      try write("value", into: "value_cache", .tokensHeads, &builder)
      var attention = Attention(
        query: query, key: cache, isCausal: true, queryOffset: firstPosition,
        keyLayout: .headsTransposed, valueLayout: .tokensHeads)
      attention.window = window
      try builder.apply(
        .attention(attention), to: ["turned_query", "new_key_cache", "new_value_cache"],
        name: "attended")
    }
  }

  private func write(
    _ update: String, into name: String, _ layout: HeadLayout, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.given(name, layout.shape(cache), role: .state)
    let scatter = TensorScatter(
      cache: cache, layout: layout, tokens: parameters.tokens, position: firstPosition)
    try builder.apply(
      .tensorScatter(scatter), to: [name, update], name: "new_\(name)", role: .output,
      updates: name)
  }

  // MARK: The whole model

  /// Token indices to the logits of each sequence's last token. The layer stands once, as a
  /// function that is called for each layer with weights of its own; where some layers have a
  /// window, there are two such functions.
  package func model(named name: String) throws(GraphError) -> Graph {
    let block = try layer(named: "layer", layer: nil, isWindowed: false)
    var builder = GraphBuilder(name: name, format: format)
    try builder.add(function: block)
    var windowed = block
    if model.window != nil {
      windowed = try layer(named: "windowed_layer", layer: nil)
      try builder.add(function: windowed)
    }
    try builder.given(
      "tokens", [rows], format: .int32, fill: .indices(count: model.vocabulary))
    try builder.given("embedding", [model.vocabulary, model.hidden], role: .weight)
    try tables(&builder)
    var x = try builder.apply(.gather, to: ["embedding", "tokens"], name: "embedded")
    for layer in 0..<model.layers {
      builder.layer = layer
      let isWindowed = model.window.map { layer % $0.every == 0 } ?? false
      x = try call(isWindowed ? windowed : block, layer: layer, x: x, &builder)
    }
    builder.layer = nil
    if parameters.phase == .prefill {
      x = try builder.lastRows(
        of: x, sequences: parameters.batch, tokens: parameters.tokens, name: "last_token")
    }
    try builder.scale("final_norm", model.hidden)
    try weight("w_logits", rows: model.hidden, columns: model.vocabulary / ranks, &builder)
    if model.family == .parallel {
      try parallelHead(x, &builder)
      return try builder.finish()
    }
    try builder.apply(
      .rmsNormalization(epsilon: model.epsilon), to: [x, "final_norm"], name: "normalized")
    try builder.product(
      "normalized", "w_logits", name: "logits", format: .float32, role: .output)
    return try builder.finish()
  }

  /// Calls the layer with weights and caches declared for it; returns the name of its result.
  private func call(_ block: Graph, layer: Int, x: String, _ builder: inout GraphBuilder)
    throws(GraphError) -> String
  {
    let name = "layer\(layer)"
    var inputs: [String] = []
    for formal in block.givenTensors {
      switch formal.name {
      case "x": inputs.append(x)
      case "cosine", "sine", "positions": inputs.append(formal.name)
      default:
        inputs.append(
          try builder.given(
            "\(name).\(formal.name)", formal.shape, role: formal.role, format: formal.format,
            fill: formal.fill))
      }
    }
    let outputs = try builder.call(block.name, with: inputs, name: name)
    var result = x
    for (made, formal) in zip(outputs, block.outputTensors) {
      if formal.name == "y" {
        result = made
      } else {
        let state = formal.updates.map { "\(name).\($0)" }
        try builder.mark(made, as: .output, updates: state)
      }
    }
    return result
  }
}
