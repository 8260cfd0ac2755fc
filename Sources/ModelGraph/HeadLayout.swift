/// The four lengths that a tensor of attention heads has, in whichever order it is stored.
package struct HeadDimensions: Hashable, Sendable {
  /// Sequences side by side.
  package var batch: Int
  /// Heads per sequence.
  package var heads: Int
  /// Tokens per sequence.
  package var tokens: Int
  /// Elements per head and token.
  package var channels: Int

  /// The four lengths.
  package init(batch: Int, heads: Int, tokens: Int, channels: Int) {
    self.batch = batch
    self.heads = heads
    self.tokens = tokens
    self.channels = channels
  }
}

/// Where one element of a head tensor stands.
package struct HeadPosition: Hashable, Comparable, Sendable {
  /// The sequence.
  package var batch: Int
  /// The head.
  package var head: Int
  /// The token.
  package var token: Int
  /// The element within the head.
  package var channel: Int

  /// Order by sequence, head, token, channel.
  package static func < (a: HeadPosition, b: HeadPosition) -> Bool {
    (a.batch, a.head, a.token, a.channel) < (b.batch, b.head, b.token, b.channel)
  }
}

/// The order in which a tensor of attention heads is stored.
package enum HeadLayout: String, Hashable, Sendable, CaseIterable {
  /// `[batch · tokens, heads · channels]`: what a projection writes (ONNX's three-axis form with
  /// its first two axes merged).
  case tokensHeads = "tokens_heads"
  /// `[batch, heads, tokens, channels]`: ONNX's four-axis form.
  case headsTokens = "heads_tokens"
  /// `[batch, heads, channels, tokens]`: channels on partitions, as the tensor engine wants queries
  /// and keys.
  case headsTransposed = "heads_transposed"

  /// The shape of a tensor stored so.
  package func shape(_ lengths: HeadDimensions) -> TensorShape {
    switch self {
    case .tokensHeads: [lengths.batch * lengths.tokens, lengths.heads * lengths.channels]
    case .headsTokens: [lengths.batch, lengths.heads, lengths.tokens, lengths.channels]
    case .headsTransposed: [lengths.batch, lengths.heads, lengths.channels, lengths.tokens]
    }
  }

  /// The flat index of an element.
  package func index(of at: HeadPosition, in lengths: HeadDimensions) -> Int {
    switch self {
    case .tokensHeads:
      ((at.batch * lengths.tokens + at.token) * lengths.heads + at.head) * lengths.channels
        + at.channel
    case .headsTokens:
      ((at.batch * lengths.heads + at.head) * lengths.tokens + at.token) * lengths.channels
        + at.channel
    case .headsTransposed:
      ((at.batch * lengths.heads + at.head) * lengths.channels + at.channel) * lengths.tokens
        + at.token
    }
  }

  /// The element at a flat index.
  package func position(of index: Int, in lengths: HeadDimensions) -> HeadPosition {
    switch self {
    case .tokensHeads:
      let row = index / (lengths.heads * lengths.channels)
      let column = index % (lengths.heads * lengths.channels)
      return HeadPosition(
        batch: row / lengths.tokens, head: column / lengths.channels,
        token: row % lengths.tokens, channel: column % lengths.channels)
    case .headsTokens:
      let row = index / lengths.channels
      let head = row / lengths.tokens
      return HeadPosition(
        batch: head / lengths.heads, head: head % lengths.heads,
        token: row % lengths.tokens, channel: index % lengths.channels)
    case .headsTransposed:
      let row = index / lengths.tokens
      let head = row / lengths.channels
      return HeadPosition(
        batch: head / lengths.heads, head: head % lengths.heads,
        token: index % lengths.tokens, channel: row % lengths.channels)
    }
  }

  /// Elements between neighbouring channels of one token.
  package func channelStride(in lengths: HeadDimensions) -> Int {
    self == .headsTransposed ? lengths.tokens : 1
  }

  /// Elements between neighbouring tokens of one channel.
  package func tokenStride(in lengths: HeadDimensions) -> Int {
    switch self {
    case .tokensHeads: lengths.heads * lengths.channels
    case .headsTokens: lengths.channels
    case .headsTransposed: 1
    }
  }
}
