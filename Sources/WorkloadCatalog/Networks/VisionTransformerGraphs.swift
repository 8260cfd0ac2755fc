import ModelGraph
import NumericFormats

/// Vision Transformer, inference.
///
///     patches → embed + positions → layers of (norm → attention → + ; norm → GELU MLP → +)
///     → norm → class token → classes
///
/// The patch convolution's window and stride are equal, so patches do not overlap and the data
/// loader hands them over as rows; the class token's row of pixels is zero, and its learned vector
/// is part of the position embedding, which is the same sum.
/// Source: Dosovitskiy et al., An Image is Worth 16x16 Words (2020), table 1.
struct VisionTransformerGraphs: ReadableNetwork {
  /// Layers.
  var layers: Int
  /// Width of a token.
  var hidden: Int
  /// Attention heads.
  var heads: Int
  /// Width of the MLP.
  var feedForward: Int
  /// Rows and columns of the image and of a patch.
  var image: Int
  var patch: Int
  /// Classes.
  var classes: Int
  /// Images.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError)
    -> VisionTransformerGraphs
  {
    VisionTransformerGraphs(
      layers: try section.integer("layers"), hidden: try section.integer("hidden"),
      heads: try section.integer("heads"), feedForward: try section.integer("feed_forward"),
      image: try section.integer("image"), patch: try section.integer("patch"),
      classes: try section.integer("classes"), batch: try section.integer("batch"))
  }

  var itemCount: Int { batch }
  /// Patches and the class token.
  private var tokens: Int { (image / patch) * (image / patch) + 1 }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    let rows = batch * tokens
    try builder.given("patches", [rows, 3 * patch * patch])
    try builder.weight("embed.w", rows: 3 * patch * patch, columns: hidden)
    try builder.given(
      "positions", [rows, hidden], role: .weight, fill: .normal(standardDeviation: 0.5))
    let embedded = try builder.product("patches", "embed.w", name: "embedded")
    var x = try builder.apply(.add, to: [embedded, "positions"], name: "tokens")
    for layer in 0..<layers {
      builder.layer = layer
      x = try self.layer(x, name: "layer\(layer)", &builder)
    }
    builder.layer = nil
    x = try builder.layerNorm(x, hidden, epsilon: 1e-6, name: "final")
    // The class token is the first of each image.
    try builder.given(
      "class rows", [batch], format: .int32,
      fill: batch == 1 ? .zeros : .values(constantRows()))
    let classToken = try builder.apply(.gather, to: [x, "class rows"], name: "class token")
    try builder.dense(
      classToken, from: hidden, to: classes, name: "logits", format: .float32, role: .output)
    return try builder.finish()
  }

  private func constantRows() throws(GraphError) -> TensorConstant {
    TensorConstant(
      try TensorView(
        integers: (0..<batch).map { Int64($0 * tokens) }, shape: [batch], type: .int32))
  }

  private func layer(_ x: String, name: String, _ builder: inout GraphBuilder) throws(GraphError)
    -> String
  {
    let attended = try builder.selfAttention(
      try builder.layerNorm(x, hidden, epsilon: 1e-6, name: "\(name).norm1"),
      lengths: HeadDimensions(
        batch: batch, heads: heads, tokens: tokens, channels: hidden / heads), isCausal: false,
      residual: x, name: "\(name).attention")
    let normal = try builder.layerNorm(attended, hidden, epsilon: 1e-6, name: "\(name).norm2")
    let wide = try builder.dense(normal, from: hidden, to: feedForward, name: "\(name).wide")
    let active = try builder.apply(
      .elementwise(Elementwise(.gelu)), to: [wide], name: "\(name).gelu")
    return try builder.dense(
      active, from: feedForward, to: hidden, residual: attended, name: name)
  }
}

extension GraphBuilder {
  /// A layer norm with parameters of its own.
  @discardableResult
  mutating func layerNorm(_ x: String, _ columns: Int, epsilon: Double, name: String)
    throws(GraphError) -> String
  {
    try given("\(name).scale", [columns], role: .weight, fill: .uniform(low: 0.5, high: 1.5))
    try given("\(name).shift", [columns], role: .weight, fill: .uniform(low: -0.5, high: 0.5))
    return try apply(
      .layerNormalization(epsilon: epsilon), to: [x, "\(name).scale", "\(name).shift"],
      name: name)
  }

  /// Attention of tokens to tokens with biases, its output projection, and a residual.
  mutating func selfAttention(
    _ x: String, lengths: HeadDimensions, isCausal: Bool, residual: String, name: String
  ) throws(GraphError) -> String {
    let width = lengths.heads * lengths.channels
    var parts: [String] = []
    for part in ["query", "key", "value"] {
      parts.append(try dense(x, from: width, to: width, name: "\(name).\(part)"))
    }
    let attended = try apply(
      .attention(Attention(query: lengths, key: lengths, isCausal: isCausal)), to: parts,
      name: "\(name).mixed")
    return try dense(attended, from: width, to: width, residual: residual, name: name)
  }
}
