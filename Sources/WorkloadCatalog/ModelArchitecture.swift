package import ModelGraph

/// How the parts of a transformer are put together.
package enum ModelFamily: String, Hashable, Sendable, CaseIterable {
  /// Llama's: rotary positions, RMS norms before each part, a gated feed-forward part or experts.
  case decoder
  /// GPT-J's: rotary positions in part of each head, one layer norm before attention and a GELU
  /// part that stand beside each other.
  case parallel
  /// BERT's: learned positions, every token sees all, layer norms after each part.
  case encoder
}

/// The experts that stand for a feed-forward part.
package struct ModelExperts: Hashable, Sendable {
  /// Experts of a layer.
  package var count: Int
  /// Experts of a token.
  package var chosen: Int
}

/// Layers that see the newest tokens alone.
package struct ModelWindow: Hashable, Sendable {
  /// Tokens that a query of such a layer sees, its own included.
  package var tokens: Int
  /// One such layer in so many, the first one among them.
  package var every: Int
}

/// How rotary frequencies are stretched, by the names of published configurations.
private enum RotaryScalingType: String, CaseIterable {
  case llama3, yarn
}

/// The numbers of a transformer, from `Workloads/architectures/`.
package struct ModelArchitecture: Hashable, Sendable {
  /// The file's name without its ending.
  package var name: String
  /// For people.
  package var title: String
  /// Where the numbers were published.
  package var source: String
  /// How its parts are put together.
  package var family = ModelFamily.decoder
  /// Experts in place of one feed-forward part, whose width is then each expert's.
  package var experts: ModelExperts?
  /// Layers with a sliding window, if there are any.
  package var window: ModelWindow?
  /// True for a decoder with biases behind the four matrices of its attention.
  package var hasAttentionBias = false
  /// Rows of the table of positions of an encoder.
  package var positions = 0
  /// Rows of the table of segments of an encoder; 0 without one.
  package var segments = 0
  /// Width of the residual stream.
  package var hidden: Int
  /// Layers.
  package var layers: Int
  /// Query heads.
  package var heads: Int
  /// Key and value heads.
  package var keyHeads: Int
  /// Elements per head.
  package var headDimension: Int
  /// Width of the gated feed-forward part.
  package var feedForward: Int
  /// Rows of the embedding.
  package var vocabulary: Int
  /// Channels of a head that are turned; nil for all.
  package var rotaryChannels: Int?
  /// Base of the rotary frequencies.
  package var rotaryBase: Double
  /// Stretched rotary frequencies, or nil.
  package var rotaryScaling: RotaryScaling?
  /// Epsilon of the normalisations.
  package var epsilon: Double

  /// An encoder of these lengths, none of them from a file of architectures.
  package static func encoder(
    _ name: String, source: String, hidden: Int, layers: Int, heads: Int, feedForward: Int,
    vocabulary: Int, positions: Int, segments: Int, epsilon: Double
  ) -> ModelArchitecture {
    ModelArchitecture(
      name: name, title: name, source: source, family: .encoder, positions: positions,
      segments: segments, hidden: hidden, layers: layers, heads: heads, keyHeads: heads,
      headDimension: hidden / heads, feedForward: feedForward, vocabulary: vocabulary,
      rotaryBase: 1, epsilon: epsilon)
  }

  /// The number of weights of the whole model, output projection apart from the embedding.
  package var parameterCount: Int {
    let attention = hidden * headDimension * (2 * heads + 2 * keyHeads)
    if family == .encoder {
      let biases = (heads + 2 * keyHeads) * headDimension + feedForward + 6 * hidden
      let layer = attention + 2 * hidden * feedForward + biases
      return layers * layer + (vocabulary + positions + segments + 2) * hidden
    }
    if family == .parallel {
      let layer = attention + 2 * hidden * feedForward + feedForward + 3 * hidden
      return layers * layer + 2 * vocabulary * hidden + vocabulary + 2 * hidden
    }
    let router = (experts?.count ?? 0) * hidden
    let biases = hasAttentionBias ? (heads + 2 * keyHeads) * headDimension + hidden : 0
    let layer =
      attention + (experts?.count ?? 1) * 3 * hidden * feedForward + router + 2 * hidden + biases
    return layers * layer + 2 * vocabulary * hidden + hidden
  }

  /// Reads an architecture file. Throws what `YAMLSection` finds.
  static func read(contentsOf path: String, name: String) throws(WorkloadError) -> ModelArchitecture
  {
    var section = try YAMLSection(contentsOf: path, name: "the architecture")
    var scaling: RotaryScaling?
    if section.has("rope_scaling") {
      var given = try section.section("rope_scaling")
      scaling = RotaryScaling(
        factor: try given.number("factor", above: 0),
        lowFrequencyFactor: try given.number("low_frequency_factor", above: 0),
        highFrequencyFactor: try given.number("high_frequency_factor", above: 0),
        originalContext: try given.number("original_context", above: 0))
      if given.has("type") {
        scaling?.isYarn = try given.choice("type", of: RotaryScalingType.self) == .yarn
      }
      try given.finish()
    }
    let family =
      section.has("family") ? try section.choice("family", of: ModelFamily.self) : .decoder
    var experts: ModelExperts?
    if section.has("experts") {
      var given = try section.section("experts")
      experts = ModelExperts(
        count: try given.integer("count"), chosen: try given.integer("chosen"))
      try given.finish()
    }
    let isEncoder = family == .encoder
    let architecture = ModelArchitecture(
      name: name, title: try section.text("title"), source: try section.text("source"),
      family: family, experts: experts, window: try window(&section),
      hasAttentionBias: section.has("attention_bias") ? try section.truth("attention_bias") : false,
      positions: isEncoder ? try section.integer("positions") : 0,
      segments: isEncoder ? try section.integer("segments", atLeast: 0) : 0,
      hidden: try section.integer("hidden"), layers: try section.integer("layers"),
      heads: try section.integer("heads"), keyHeads: try section.integer("kv_heads"),
      headDimension: try section.integer("head_dim"),
      feedForward: try section.integer("feed_forward"),
      vocabulary: try section.integer("vocabulary"),
      rotaryChannels: family == .parallel ? try section.integer("rotary_channels") : nil,
      rotaryBase: isEncoder ? 1 : try section.number("rope_base", above: 1),
      rotaryScaling: scaling,
      epsilon: try section.number("epsilon", above: 0))
    guard architecture.heads % architecture.keyHeads == 0 else {
      throw section.badValue("kv_heads", expected: "a divisor of heads")
    }
    try section.finish()
    return architecture
  }

  private static func window(_ section: inout YAMLSection) throws(WorkloadError) -> ModelWindow? {
    guard section.has("sliding_window") else { return nil }
    var given = try section.section("sliding_window")
    let window = ModelWindow(
      tokens: try given.integer("tokens"), every: try given.integer("every"))
    try given.finish()
    return window
  }
}
