import ModelGraph
import NumericFormats

/// One step of a latent-diffusion UNet as SDXL has it.
///
///     latent → conv → down: (residual blocks, transformers, half size) … → middle
///            → up: (concatenate skip, residual blocks, transformers, double size) … → conv → noise
///     residual block: x → norm, SiLU, conv → + time → norm, SiLU, conv → + x
///     transformer:    norm → project in → (self-attention, cross-attention, GEGLU)* → project out
///
/// Activations are [channels, images, rows, columns]; a projection of tokens reads them transposed,
/// so that the way from channels to tokens and back costs nothing. Biases of projections are left
/// out: norms before them have shifts of their own.
/// Source: Podell et al., SDXL (2023): channels 320-640-1280, transformer depths 0-2-10, context
/// 2048; MLPerf inference README: 1024 × 1024 (latents of 128 × 128), batch 2 for guidance.
struct DiffusionUNetGraphs: ReadableNetwork {
  /// Channels of each level, and transformer blocks per attention of each.
  var channels: [Int]
  var depths: [Int]
  /// Residual blocks per level on the way down; one more on the way up.
  var blocks: Int
  /// Elements per attention head, and channels per group of a norm's groups.
  var headSize: Int
  var normGroups: Int
  /// Width and tokens of the text.
  var context: Int
  var contextTokens: Int
  /// Width of the embedded time step.
  var time: Int
  /// Rows and columns of the latent, and its channels.
  var latent: Int
  var latentChannels: Int
  /// Latents of a step: two for one image with classifier-free guidance.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError)
    -> DiffusionUNetGraphs
  {
    DiffusionUNetGraphs(
      channels: try section.integers("channels"),
      depths: try section.integers("depths", atLeast: 0), blocks: try section.integer("blocks"),
      headSize: try section.integer("head_size"), normGroups: try section.integer("norm_groups"),
      context: try section.integer("context"),
      contextTokens: try section.integer("context_tokens"), time: try section.integer("time"),
      latent: try section.integer("latent"),
      latentChannels: try section.integer("latent_channels"),
      batch: try section.integer("batch"))
  }

  /// One denoising step, however many images, or an image's halves of a guided step, it takes.
  var itemCount: Int { 1 }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("latent", [batch, latentChannels, latent, latent])
    try builder.given("text", [batch * contextTokens, context])
    // The embedded time step and size conditions, after their own MLP and SiLU.
    try builder.given("time", [batch, time])
    var x = try builder.convolution(
      "latent", to: channels[0], .init(kernel: 3), isImage: true, name: "in")
    var skips = [x]
    for level in channels.indices {
      builder.layer = level
      for block in 0..<blocks {
        x = try stage(x, level, name: "down\(level).\(block)", &builder)
        skips.append(x)
      }
      if level < channels.count - 1 {
        x = try builder.convolution(
          x, to: channels[level], .init(kernel: 3, stride: 2), name: "down\(level).half")
        skips.append(x)
      }
    }
    x = try middle(x, &builder)
    for level in channels.indices.reversed() {
      builder.layer = channels.count + level
      for block in 0...blocks {
        let skip = skips.removeLast()
        let joined = try builder.apply(
          .concatenate(Concatenation(axis: 0)), to: [x, skip],
          name: "up\(level).\(block).joined")
        x = try stage(joined, level, name: "up\(level).\(block)", &builder)
      }
      if level > 0 { x = try upsample(x, level, &builder) }
    }
    builder.layer = nil
    let normal = try builder.groupNorm(
      x, groups: normGroups, activation: .silu, name: "out.norm")
    try builder.convolution(
      normal, to: latentChannels, .init(kernel: 3), name: "noise", role: .output)
    return try builder.finish()
  }

  private func middle(_ x: String, _ builder: inout GraphBuilder) throws(GraphError) -> String {
    let last = channels.count - 1
    let first = try residualBlock(x, to: channels[last], name: "middle.0", &builder)
    let mixed = try transformer(
      first, depth: depths[last], channels: channels[last], name: "middle.attention", &builder)
    return try residualBlock(mixed, to: channels[last], name: "middle.1", &builder)
  }

  private func upsample(_ x: String, _ level: Int, _ builder: inout GraphBuilder)
    throws(GraphError) -> String
  {
    let sizes = [try builder.length(x, axis: 2), try builder.length(x, axis: 3)]
    let larger = try builder.apply(
      .resize(.nearest(sizes, factor: 2)), to: [x], name: "up\(level).larger")
    return try builder.convolution(
      larger, to: channels[level], .init(kernel: 3), name: "up\(level).double")
  }

  /// A residual block and, where the level has one, a transformer.
  private func stage(_ x: String, _ level: Int, name: String, _ builder: inout GraphBuilder)
    throws(GraphError) -> String
  {
    let block = try residualBlock(
      x, to: channels[level], name: depths[level] > 0 ? "\(name).block" : name, &builder)
    guard depths[level] > 0 else { return block }
    return try transformer(
      block, depth: depths[level], channels: channels[level], name: name, &builder)
  }

  private func residualBlock(
    _ x: String, to outputs: Int, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let inputs = try builder.length(x, axis: 0)
    var shortcut = x
    if inputs != outputs {
      shortcut = try builder.convolution(
        x, to: outputs, .init(kernel: 1), name: "\(name).shortcut")
    }
    // The time step's value per channel and image; its bias is part of the convolution's.
    try builder.weight("\(name).time.w", rows: time, columns: outputs)
    let step = try builder.product(
      "\(name).time.w", "time", name: "\(name).time", transposeA: true, transposeB: true,
      format: .float32)
    let shaped = try builder.apply(
      .reshape(Reshape(to: [outputs, batch, 1, 1])), to: [step], name: "\(name).step",
      format: .float32)
    let first = try builder.groupNorm(
      x, groups: normGroups, activation: .silu, name: "\(name).norm1")
    let conv = try builder.convolution(first, to: outputs, .init(kernel: 3), name: "\(name).conv1")
    let timed = try builder.apply(.add, to: [conv, shaped], name: "\(name).timed")
    let second = try builder.groupNorm(
      timed, groups: normGroups, activation: .silu, name: "\(name).norm2")
    return try builder.convolution(
      second, to: outputs, .init(kernel: 3), residual: shortcut, name: name)
  }

  private func transformer(
    _ x: String, depth: Int, channels: Int, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let (rows, columns) = (try builder.length(x, axis: 2), try builder.length(x, axis: 3))
    let tokens = batch * rows * columns
    let normal = try builder.groupNorm(x, groups: normGroups, epsilon: 1e-6, name: "\(name).norm")
    let flat = try builder.apply(
      .reshape(Reshape(to: [channels, tokens])), to: [normal], name: "\(name).flat")
    try builder.weight("\(name).in.w", rows: channels, columns: channels)
    var y = try builder.product(flat, "\(name).in.w", name: "\(name).in", transposeA: true)
    let lengths = HeadDimensions(
      batch: batch, heads: channels / headSize, tokens: rows * columns, channels: headSize)
    for block in 0..<depth {
      y = try transformerBlock(y, lengths, name: "\(name).block\(block)", &builder)
    }
    try builder.weight("\(name).out.w", rows: channels, columns: channels)
    let out = try builder.product(
      "\(name).out.w", y, name: "\(name).out", transposeA: true, transposeB: true)
    let shaped = try builder.apply(
      .reshape(Reshape(to: [channels, batch, rows, columns])), to: [out], name: "\(name).shaped")
    return try builder.apply(.add, to: [shaped, x], name: name)
  }

  /// Self-attention, cross-attention to the text, gated GELU; a norm before and a residual around
  /// each.
  private func transformerBlock(
    _ x: String, _ lengths: HeadDimensions, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let width = lengths.heads * lengths.channels
    let own = try attention(
      try builder.layerNorm(x, width, epsilon: 1e-5, name: "\(name).norm1"), nil, lengths,
      residual: x, name: "\(name).self", &builder)
    let crossed = try attention(
      try builder.layerNorm(own, width, epsilon: 1e-5, name: "\(name).norm2"), "text", lengths,
      residual: own, name: "\(name).cross", &builder)
    let normal = try builder.layerNorm(crossed, width, epsilon: 1e-5, name: "\(name).norm3")
    let value = try builder.dense(normal, from: width, to: 4 * width, name: "\(name).value")
    let gate = try builder.dense(normal, from: width, to: 4 * width, name: "\(name).gate")
    let active = try builder.apply(
      .elementwise(Elementwise(.gelu)), to: [gate], name: "\(name).gelu")
    let gated = try builder.apply(.multiply, to: [value, active], name: "\(name).gated")
    return try builder.dense(gated, from: 4 * width, to: width, residual: crossed, name: name)
  }

  /// Attention to the tokens themselves, or to a text's.
  private func attention(
    _ x: String, _ text: String?, _ lengths: HeadDimensions, residual: String, name: String,
    _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let width = lengths.heads * lengths.channels
    var key = lengths
    if text != nil { key.tokens = contextTokens }
    for (part, source) in [("q", x), ("k", text ?? x), ("v", text ?? x)] {
      try builder.weight(
        "\(name).\(part).w", rows: source == text ? context : width, columns: width)
      try builder.product(source, "\(name).\(part).w", name: "\(name).\(part)")
    }
    let mixed = try builder.apply(
      .attention(Attention(query: lengths, key: key, isCausal: false)),
      to: ["\(name).q", "\(name).k", "\(name).v"], name: "\(name).mixed")
    return try builder.dense(mixed, from: width, to: width, residual: residual, name: name)
  }
}
