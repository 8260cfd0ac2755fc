import ModelGraph
import NumericFormats

/// SASRec: self-attention over a user's last items predicts the next one.
///
///     items → embed + positions → blocks of (norm → causal attention → + ; norm → MLP → +) → norm
///     → a user's last place → scores of all items
///
/// Source: Kang and McAuley, Self-Attentive Sequential Recommendation (2018): 2 blocks, 1 head,
/// width 50, 200 items for MovieLens.
struct SequenceRecommenderGraphs: ReadableNetwork {
  /// Items that can be recommended.
  var items: Int
  /// Items of a user's sequence.
  var history: Int
  /// Width of an item's vector.
  var width: Int
  /// Blocks and heads.
  var blocks: Int
  var heads: Int
  /// Users.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError)
    -> SequenceRecommenderGraphs
  {
    SequenceRecommenderGraphs(
      items: try section.integer("items"), history: try section.integer("history"),
      width: try section.integer("width"), blocks: try section.integer("blocks"),
      heads: try section.integer("heads"), batch: try section.integer("batch"))
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    let rows = batch * history
    try builder.given(
      "history", [rows], format: .int32, fill: .powerLaw(counts: [items], exponent: 1.05))
    try builder.given("items", [items, width], role: .weight)
    try builder.given("positions", [rows, width], role: .weight)
    let embedded = try builder.apply(.gather, to: ["items", "history"], name: "embedded")
    var x = try builder.apply(.add, to: [embedded, "positions"], name: "sequence")
    for block in 0..<blocks {
      builder.layer = block
      let name = "block\(block)"
      let attended = try builder.selfAttention(
        try builder.layerNorm(x, width, epsilon: 1e-8, name: "\(name).norm1"),
        lengths: HeadDimensions(
          batch: batch, heads: heads, tokens: history, channels: width / heads),
        isCausal: true, residual: x, name: "\(name).attention")
      let normal = try builder.layerNorm(attended, width, epsilon: 1e-8, name: "\(name).norm2")
      let inner = try builder.dense(normal, from: width, to: width, name: "\(name).inner")
      let active = try builder.apply(.relu, to: [inner], name: "\(name).relu")
      x = try builder.dense(active, from: width, to: width, residual: attended, name: name)
    }
    builder.layer = nil
    // Training scores every place, a recommendation the last one alone.
    x = try builder.lastRows(of: x, sequences: batch, tokens: history, name: "last")
    x = try builder.layerNorm(x, width, epsilon: 1e-8, name: "final")
    try builder.product(
      x, "items", name: "scores", transposeB: true, role: .output)
    return try builder.finish()
  }
}
