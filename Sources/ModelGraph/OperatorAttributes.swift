import Foundation

/// The attributes of grouped-query attention: softmax(scale · Q Kᵀ + mask) V, head by head.
///
/// Query head h reads key head h / (queryHeads / keyHeads). With `isCausal`, query token i sees the
/// keys 0 … i + queryOffset (ONNX Attention with `is_causal` and a past of queryOffset tokens), of
/// which a `window` leaves the last so many.
package struct Attention: Hashable, Sendable {
  /// Lengths of Q and of the result.
  package var query: HeadDimensions
  /// Lengths of K and V.
  package var key: HeadDimensions
  /// True when a query sees no key after itself.
  package var isCausal: Bool
  /// Tokens of the sequence before the first query.
  package var queryOffset: Int
  /// With a causal mask: how many keys, its own position included, a query sees; nil for all.
  package var window: Int?
  /// What Q · Kᵀ is multiplied by.
  package var scale: Double
  /// How Q is stored.
  package var queryLayout: HeadLayout
  /// How K is stored.
  package var keyLayout: HeadLayout
  /// How V is stored.
  package var valueLayout: HeadLayout
  /// How the result is stored.
  package var outputLayout: HeadLayout

  /// Attention over these lengths; the scale is 1/sqrt(channels) unless given.
  package init(
    query: HeadDimensions, key: HeadDimensions, isCausal: Bool, queryOffset: Int = 0,
    scale: Double? = nil, queryLayout: HeadLayout = .tokensHeads,
    keyLayout: HeadLayout = .tokensHeads, valueLayout: HeadLayout = .tokensHeads,
    outputLayout: HeadLayout = .tokensHeads
  ) {
    self.query = query
    self.key = key
    self.isCausal = isCausal
    self.queryOffset = queryOffset
    self.scale = scale ?? 1 / Double(query.channels).squareRoot()
    self.queryLayout = queryLayout
    self.keyLayout = keyLayout
    self.valueLayout = valueLayout
    self.outputLayout = outputLayout
  }

  /// How many keys, from the first on, a query token sees.
  package func visibleKeys(queryToken: Int) -> Int {
    isCausal ? max(0, min(key.tokens, queryToken + queryOffset + 1)) : key.tokens
  }

  /// The first key that a query token sees.
  package func firstVisibleKey(queryToken: Int) -> Int {
    window.map { max(0, visibleKeys(queryToken: queryToken) - $0) } ?? 0
  }

  /// Query heads that share one key head.
  package var groupSize: Int { query.heads / key.heads }
}

/// The stretching of low rotary frequencies that Llama 3.1 uses beyond its first context length.
///
/// Source: the published `rope_scaling` of Llama 3.1 (rope_type llama3): factor 8, low and high
/// frequency factors 1 and 4, original context 8192.
package struct RotaryScaling: Hashable, Sendable {
  /// Low frequencies are divided by it.
  package var factor: Double
  /// Wavelengths above originalContext / lowFrequencyFactor are stretched in full.
  package var lowFrequencyFactor: Double
  /// Wavelengths below originalContext / highFrequencyFactor stay.
  package var highFrequencyFactor: Double
  /// The context length of the first training.
  package var originalContext: Double
  /// YaRN (arXiv 2309.00071): between both limits the share that stays follows the logarithm of the
  /// wavelength, and turned vectors are made longer. Otherwise as Llama 3.1 does it: the share
  /// follows the frequency, and lengths stay.
  package var isYarn = false

  /// What cosines and sines are multiplied by; YaRN's section 3.4.
  package var magnitude: Double { isYarn ? 1 + log(factor) / 10 : 1 }

  /// The four published numbers.
  package init(
    factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
    originalContext: Double
  ) {
    self.factor = factor
    self.lowFrequencyFactor = lowFrequencyFactor
    self.highFrequencyFactor = highFrequencyFactor
    self.originalContext = originalContext
  }

  /// The frequency that stands in for `frequency` (radians per token).
  package func stretched(_ frequency: Double) -> Double {
    let wavelength = 2 * Double.pi / frequency
    let turns = originalContext / wavelength
    if turns > highFrequencyFactor { return frequency }
    if turns < lowFrequencyFactor { return frequency / factor }
    let smooth =
      isYarn
      ? log(turns / lowFrequencyFactor) / log(highFrequencyFactor / lowFrequencyFactor)
      : (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
    return (1 - smooth) * frequency / factor + smooth * frequency
  }
}

/// The angles of a rotary embedding: position × base^(−2 · pair / channels).
package struct RotaryAngles: Hashable, Sendable {
  /// The base of the frequencies.
  package var base: Double
  /// Elements per head.
  package var channels: Int
  /// The position of the first token of each sequence.
  package var firstPosition: Int
  /// Stretched low frequencies, or nil.
  package var scaling: RotaryScaling?

  /// Angles of these parameters.
  package init(base: Double, channels: Int, firstPosition: Int = 0, scaling: RotaryScaling? = nil) {
    self.base = base
    self.channels = channels
    self.firstPosition = firstPosition
    self.scaling = scaling
  }
}

/// The attributes of a rotary embedding over `[batch · tokens, heads · channels]`.
///
/// Of the channels that are turned, the first of a head, pair p is (p, p + turned/2), or
/// (2p, 2p + 1) when interleaved; (a, b) becomes (a cos − b sin, b cos + a sin). The other channels
/// stay. Optional inputs 1 and 2 are cosine and sine tables `[tokens, turned/2]`: what the device
/// reads. With `angles` the reference computes the angles
/// itself, so that wrong tables show; without, it reads the tables (ONNX's form).
package struct RotaryEmbedding: Hashable, Sendable {
  /// Lengths of the input and of the result.
  package var lengths: HeadDimensions
  /// True when pairs are neighbours.
  package var isInterleaved: Bool
  /// Channels of a head that are turned: an even number, or nil for all.
  package var turnedChannels: Int?
  /// How angles are computed, or nil when the tables are the definition.
  package var angles: RotaryAngles?

  /// Channels of a head that are turned.
  package var turned: Int { turnedChannels ?? lengths.channels }

  /// An embedding of these attributes.
  package init(lengths: HeadDimensions, isInterleaved: Bool = false, angles: RotaryAngles?) {
    self.lengths = lengths
    self.isInterleaved = isInterleaved
    self.angles = angles
  }
}

/// The attributes of writing new tokens into a cache of keys or values.
///
/// The update is stored as `tokensHeads`. Source: ONNX TensorScatter, mode linear, with one write
/// position for every sequence.
package struct TensorScatter: Hashable, Sendable {
  /// Lengths of the cache; `tokens` is its capacity.
  package var cache: HeadDimensions
  /// How the cache is stored.
  package var layout: HeadLayout
  /// Tokens written per sequence.
  package var tokens: Int
  /// Where the first of them lands.
  package var position: Int

  /// A write of these attributes.
  package init(cache: HeadDimensions, layout: HeadLayout, tokens: Int, position: Int) {
    self.cache = cache
    self.layout = layout
    self.tokens = tokens
    self.position = position
  }

  /// Lengths of the update.
  package var update: HeadDimensions {
    var lengths = cache
    lengths.tokens = tokens
    return lengths
  }
}
