import ModelGraph
import NumericFormats

/// HSTU: the sequential transducer of MLPerf's DLRM-v3, from a user's embedded history on.
///
///     history → embed + positions → layers → a user's last place → scores of candidates
///     layer: x → norm → U, V, Q, K = silu(products) → pointwise attention → norm → · U → product
///            → + x
///
/// Source: Zhai et al., Actions Speak Louder than Words (2024); MLPerf inference v6 README: 5
/// layers, 4 heads, 128 elements of keys and of values a head, width 512, 2,048 candidates.
struct TransducerGraphs: ReadableNetwork {
  /// Items of the table, cut to what one core holds.
  var items: Int
  /// Items of a user's history.
  var history: Int
  /// Width of an item's vector.
  var width: Int
  /// Layers and heads.
  var layers: Int
  var heads: Int
  /// Elements of a key and of a value per head.
  var keySize: Int
  var valueSize: Int
  /// Items that are scored for each user.
  var candidates: Int
  /// Users.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> TransducerGraphs {
    TransducerGraphs(
      items: try section.integer("items"), history: try section.integer("history"),
      width: try section.integer("width"), layers: try section.integer("layers"),
      heads: try section.integer("heads"), keySize: try section.integer("key_size"),
      valueSize: try section.integer("value_size"), candidates: try section.integer("candidates"),
      batch: try section.integer("batch"))
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    let rows = batch * history
    try builder.given("items", [items, width], role: .weight)
    try builder.given(
      "history", [rows], format: .int32, fill: .powerLaw(counts: [items], exponent: 1.05))
    try builder.given("positions", [rows, width], role: .weight)
    let embedded = try builder.apply(.gather, to: ["items", "history"], name: "embedded")
    var x = try builder.apply(.add, to: [embedded, "positions"], name: "sequence")
    for layer in 0..<layers {
      builder.layer = layer
      x = try self.layer(x, name: "layer\(layer)", &builder)
    }
    builder.layer = nil
    x = try builder.lastRows(of: x, sequences: batch, tokens: history, name: "last")
    x = try builder.layerNorm(x, width, epsilon: 1e-6, name: "final")
    try builder.given(
      "candidates", [candidates], format: .int32,
      fill: .powerLaw(counts: [items], exponent: 1.05))
    try builder.apply(.gather, to: ["items", "candidates"], name: "candidate vectors")
    try builder.product(
      x, "candidate vectors", name: "scores", transposeB: true, role: .output)
    return try builder.finish()
  }

  private func layer(_ x: String, name: String, _ builder: inout GraphBuilder) throws(GraphError)
    -> String
  {
    let normal = try builder.layerNorm(x, width, epsilon: 1e-6, name: "\(name).norm")
    for (part, size) in [
      ("u", valueSize), ("v", valueSize), ("q", keySize), ("k", keySize),
    ] {
      let sum = try builder.dense(
        normal, from: width, to: heads * size, name: "\(name).\(part).sum")
      try builder.apply(.silu, to: [sum], name: "\(name).\(part)")
    }
    let lengths = HeadDimensions(
      batch: batch, heads: heads, tokens: history, channels: keySize)
    let mixed = try builder.apply(
      .pointwiseAttention(
        PointwiseAttention(lengths: lengths, isCausal: true, scale: 1 / Double(history))),
      to: ["\(name).q", "\(name).k", "\(name).v"], name: "\(name).mixed")
    let even = try builder.layerNorm(
      mixed, heads * valueSize, epsilon: 1e-6, name: "\(name).even")
    let gated = try builder.apply(.multiply, to: [even, "\(name).u"], name: "\(name).gated")
    return try builder.dense(
      gated, from: heads * valueSize, to: width, residual: x, name: name)
  }
}
