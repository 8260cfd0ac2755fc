package import ModelGraph

/// The numbers of a decoder-only transformer, from `Workloads/architectures/`.
package struct ModelArchitecture: Hashable, Sendable {
  /// The file's name without its ending.
  package var name: String
  /// For people.
  package var title: String
  /// Where the numbers were published.
  package var source: String
  /// Width of the residual stream.
  package var hidden: Int
  /// Decoder layers.
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
  /// Base of the rotary frequencies.
  package var rotaryBase: Double
  /// Stretched rotary frequencies, or nil.
  package var rotaryScaling: RotaryScaling?
  /// Epsilon of the normalisations.
  package var epsilon: Double

  /// The number of weights of the whole model, output projection apart from the embedding.
  package var parameterCount: Int {
    let attention = hidden * headDimension * (2 * heads + 2 * keyHeads)
    let layer = attention + 3 * hidden * feedForward + 2 * hidden
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
      try given.finish()
    }
    let architecture = ModelArchitecture(
      name: name, title: try section.text("title"), source: try section.text("source"),
      hidden: try section.integer("hidden"), layers: try section.integer("layers"),
      heads: try section.integer("heads"), keyHeads: try section.integer("kv_heads"),
      headDimension: try section.integer("head_dim"),
      feedForward: try section.integer("feed_forward"),
      vocabulary: try section.integer("vocabulary"),
      rotaryBase: try section.number("rope_base", above: 1), rotaryScaling: scaling,
      epsilon: try section.number("epsilon", above: 0))
    guard architecture.heads % architecture.keyHeads == 0 else {
      throw section.badValue("kv_heads", expected: "a divisor of heads")
    }
    try section.finish()
    return architecture
  }
}
