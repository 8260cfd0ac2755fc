package import ModelGraph
package import NumericFormats

/// A matrix product C [M, N] of an lhs of M × K and an rhs of K × N.
package struct ProductParameters: Hashable, Sendable {
  /// Rows of the result.
  package var rows: Int
  /// The inner length.
  package var depth: Int
  /// Columns of the result.
  package var columns: Int
  /// True when the lhs is stored `[K, M]`: the tensor engine contracts along partitions.
  package var isLeftTransposed: Bool
  /// True when the rhs is stored `[N, K]`.
  package var isRightTransposed: Bool
  /// True for a product of activations in MXFP8 with weights in MXFP4.
  package var isScaled = false
}

/// A row-wise operator over `[rows, columns]`.
package struct RowParameters: Hashable, Sendable {
  /// Rows.
  package var rows: Int
  /// Elements per row.
  package var columns: Int
}

/// A feed-forward part: down(silu(gate(x)) · up(x)).
package struct GatedParameters: Hashable, Sendable {
  /// Tokens.
  package var rows: Int
  /// Width of input and result.
  package var hidden: Int
  /// Width between.
  package var feedForward: Int
}

/// The experts of a mixture.
package struct ExpertParameters: Hashable, Sendable {
  /// Tokens.
  package var tokens: Int
  /// Width of input and result.
  package var width: Int
  /// Width of an expert's hidden layer.
  package var hidden: Int
  /// Experts.
  package var experts: Int
  /// Experts of a token.
  package var chosen: Int
  /// True for weights in MXFP4.
  package var isScaled = false
}

/// A decoding step over a cache in pages.
package struct PagedParameters: Hashable, Sendable {
  /// Sequences.
  package var batch: Int
  /// Pages that there are; each sequence's are drawn from them.
  package var pages: Int
  /// Heads, keys and the length of a page.
  package var attention: PagedAttention
}

/// Sums of table rows that lists of different lengths name.
package struct BagParameters: Hashable, Sendable {
  /// Bags.
  package var bags: Int
  /// Tables, each of which a bag has a list for.
  package var tables: Int
  /// Rows of a table.
  package var rows: Int
  /// The most entries of a list.
  package var places: Int
  /// Elements of a row.
  package var width: Int
}

/// A choice of boxes of each class of each image.
package struct SuppressionParameters: Hashable, Sendable {
  /// Images.
  package var batch: Int
  /// Classes of each image.
  package var classes: Int
  /// Boxes of each image.
  package var boxes: Int
  /// How many are taken, and when one covers another.
  package var choice: BoxSuppression
}

/// What a kernel workload computes.
package enum KernelParameters: Hashable, Sendable {
  /// One matrix product.
  case product(ProductParameters)
  /// Softmax over rows.
  case softmax(RowParameters)
  /// Root-mean-square normalisation of rows.
  case rmsNormalization(RowParameters, epsilon: Double)
  /// Normalisation of rows to mean and variance.
  case layerNormalization(RowParameters, epsilon: Double)
  /// Attention, all heads.
  case attention(Attention)
  /// A gated feed-forward part.
  case gated(GatedParameters)
  /// The experts that a router's logits choose.
  case experts(ExpertParameters)
  /// A decoding step over a cache in pages.
  case paged(PagedParameters)
  /// Sums of table rows that ragged lists name.
  case bags(BagParameters)
  /// Boxes that no better box covers.
  case suppression(SuppressionParameters)
}

/// The ways in which a transformer runs.
package enum DecoderPhase: String, Hashable, Sendable, CaseIterable {
  /// All tokens of a prompt at once.
  case prefill
  /// One new token per sequence, over a cache.
  case decode
  /// All tokens of an encoder at once.
  case encode
}

/// Matrices of low rank beside the frozen ones of attention (LoRA, Hu et al., 2021).
package struct LowRankAdapters: Hashable, Sendable {
  /// The inner length.
  package var rank: Int
  /// What they add is multiplied by alpha / rank.
  package var alpha: Double
}

/// A decoder layer or whole decoder at one point of its work.
package struct DecoderParameters: Hashable, Sendable {
  /// The model.
  package var architecture: ModelArchitecture
  /// Prompt or next token.
  package var phase: DecoderPhase
  /// Sequences side by side.
  package var batch: Int
  /// New tokens per sequence: the prompt's length, or 1.
  package var tokens: Int
  /// Tokens that the last query sees, itself included.
  package var context: Int
  /// What trains one layer: forward, backward and the optimiser's step; nil to evaluate.
  package var optimizer: Optimizer?
  /// What is trained beside frozen weights; nil where all weights are trained.
  package var adapters: LowRankAdapters?
  /// Masked tokens of a sequence that a pretraining predicts.
  package var predictions = 0
  /// Format of the weights where it is another than that of activations and caches.
  package var weights: NumberFormat?
  /// True for experts with weights in MXFP4.
  package var scalesExperts = false
  /// Cores of one chip over which heads, feed-forward columns and vocabulary are dealt.
  package var tensorParallel = 1

  /// A decoder's shapes; `tokens` is at most `context`.
  package init(
    architecture: ModelArchitecture, phase: DecoderPhase, batch: Int, tokens: Int, context: Int
  ) {
    self.architecture = architecture
    self.phase = phase
    self.batch = batch
    self.tokens = tokens
    self.context = context
  }
}

/// What a workload runs.
package enum WorkloadBody: Hashable, Sendable {
  /// Single instructions, repeated.
  case micro([MicroProgram])
  /// One operator or a small group.
  case kernel(KernelParameters, variant: String?)
  /// One decoder layer.
  case layer(DecoderParameters)
  /// A whole decoder.
  case model(DecoderParameters)
  /// A network with a builder of its own.
  case network(Network)
  /// Training to a target.
  case training(TrainingParameters)
}
