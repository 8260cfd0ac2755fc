import ModelGraph
import NumericFormats

/// Graphs of one operator, or of the few that make a gated feed-forward part.
enum KernelGraphs {
  static func graph(
    _ workload: WorkloadSpecification, _ parameters: KernelParameters, hints: KernelHints
  ) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: workload.name, format: workload.precision)
    let output = workload.outputPrecision
    switch parameters {
    case .product(let product): try self.product(product, &builder, output, hints)
    case .softmax(let rows):
      try builder.given("x", [rows.rows, rows.columns])
      try builder.apply(
        .softmax, to: ["x"], name: "y", format: output, role: .output, hints: hints)
    case .rmsNormalization(let rows, let epsilon):
      try builder.given("x", [rows.rows, rows.columns])
      try builder.scale("scale", rows.columns)
      try builder.apply(
        .rmsNormalization(epsilon: epsilon), to: ["x", "scale"], name: "y", format: output,
        role: .output, hints: hints)
    case .layerNormalization(let rows, let epsilon):
      try builder.given("x", [rows.rows, rows.columns])
      try builder.scale("scale", rows.columns)
      try builder.given("bias", [rows.columns], role: .weight)
      try builder.apply(
        .layerNormalization(epsilon: epsilon), to: ["x", "scale", "bias"], name: "y",
        format: output, role: .output, hints: hints)
    case .attention(let attention):
      try builder.given("q", attention.queryLayout.shape(attention.query))
      try builder.given("k", attention.keyLayout.shape(attention.key))
      try builder.given("v", attention.valueLayout.shape(attention.key))
      try builder.apply(
        .attention(attention), to: ["q", "k", "v"], name: "y", format: output, role: .output,
        hints: hints)
    case .gated(let gated):
      try builder.given("x", [gated.rows, gated.hidden])
      try builder.gatedFeedForward(
        "x", hidden: gated.hidden, feedForward: gated.feedForward, result: "y", hints: hints)
      try builder.mark("y", as: .output)
    case .experts(let experts):
      try self.experts(experts, &builder, output, hints)
    case .paged(let paged): try self.paged(paged, &builder, output, hints)
    case .bags(let bags): try self.bags(bags, &builder, output, hints)
    case .suppression(let boxes):
      // Centres and extents within an image of length 1.
      try builder.given(
        "boxes", [boxes.batch, boxes.boxes, 4], fill: .uniform(low: 0.05, high: 0.95))
      try builder.given(
        "scores", [boxes.batch, boxes.classes, boxes.boxes], fill: .uniform(low: 0, high: 1))
      try builder.apply(
        .boxSuppression(boxes.choice), to: ["boxes", "scores"], name: "y", role: .output,
        hints: hints)
    }
    return try builder.finish()
  }

  private static func experts(
    _ experts: ExpertParameters, _ builder: inout GraphBuilder, _ output: NumberFormat,
    _ hints: KernelHints
  ) throws(GraphError) {
    let (width, hidden) = (experts.width, experts.hidden)
    try builder.given("x", [experts.tokens, width])
    try builder.given("logits", [experts.tokens, experts.experts], format: .float32)
    if experts.isScaled {
      try builder.scaledExperts(
        experts.experts, width: width, hidden: hidden, chosen: experts.chosen, prefix: "",
        of: ("x", "logits"), name: "y", role: .output)
      return
    }
    for (name, rows, columns) in [
      ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ] {
      try builder.given(
        name, [experts.experts, rows, columns], role: .weight,
        fill: .normal(standardDeviation: 1 / Double(rows).squareRoot()))
    }
    try builder.apply(
      .expertLayer(ExpertLayer(chosen: experts.chosen)),
      to: ["x", "logits", "gate", "up", "down"], name: "y", format: output, role: .output,
      hints: hints)
  }

  /// Lists of 1 to all places, evenly spread, of rows by a power law.
  private static func bags(
    _ bags: BagParameters, _ builder: inout GraphBuilder, _ output: NumberFormat,
    _ hints: KernelHints
  ) throws(GraphError) {
    try builder.given(
      "index", [bags.bags, bags.tables * bags.places], format: .uint32,
      fill: .raggedPowerLaw(rows: bags.rows, places: bags.places, exponent: 1.05))
    var inputs = ["index"]
    for table in 0..<bags.tables {
      inputs.append(
        try builder.given("table_\(table)", [bags.rows, bags.width], role: .weight))
    }
    let lengths = [Int](repeating: bags.places, count: bags.tables)
    try builder.apply(
      .embeddingBag(EmbeddingBag(lengths: lengths)), to: inputs, name: "y", format: output,
      role: .output, hints: hints)
  }

  private static func paged(
    _ paged: PagedParameters, _ builder: inout GraphBuilder, _ output: NumberFormat,
    _ hints: KernelHints
  ) throws(GraphError) {
    let (attention, width) = (paged.attention, paged.attention.kvHeads * paged.attention.size)
    try builder.given("q", [paged.batch, attention.heads * attention.size])
    try builder.given(
      "k", [paged.pages, attention.kvHeads, attention.size, attention.page])
    try builder.given("v", [paged.pages, attention.page, width])
    try builder.given(
      "table", [paged.batch, attention.pagesPerSequence], format: .int32,
      fill: .indices(count: paged.pages), type: .int32)
    try builder.apply(
      .pagedAttention(attention), to: ["q", "k", "v", "table"], name: "y", format: output,
      role: .output, hints: hints)
  }

  private static func product(
    _ product: ProductParameters, _ builder: inout GraphBuilder, _ output: NumberFormat,
    _ hints: KernelHints
  ) throws(GraphError) {
    let (rows, depth, columns) = (product.rows, product.depth, product.columns)
    try builder.given(
      "lhs", product.isLeftTransposed ? [depth, rows] : [rows, depth])
    if product.isScaled {
      let weights = try builder.scaledWeight("rhs", leading: [], rows: depth, columns: columns)
      try builder.apply(
        .scaledProduct(ScaledProduct()), to: ["lhs"] + weights, name: "y", format: output,
        role: .output, hints: hints)
      return
    }
    try builder.given(
      "rhs", product.isRightTransposed ? [columns, depth] : [depth, columns], role: .weight,
      fill: .normal(standardDeviation: 1 / Double(depth).squareRoot()))
    try builder.product(
      "lhs", "rhs", name: "y", transposeA: product.isLeftTransposed,
      transposeB: product.isRightTransposed, format: output, role: .output, hints: hints)
  }
}

extension GraphBuilder {
  /// A scale of a normalisation, spread around 1 so that leaving it out shows.
  @discardableResult
  mutating func scale(_ name: String, _ columns: Int) throws(GraphError) -> String {
    try given(name, [columns], role: .weight, fill: .uniform(low: 0.5, high: 1.5))
  }

  /// down(silu(gate(x)) · up(x)); declares its three weights and returns the name of its result.
  @discardableResult
  mutating func gatedFeedForward(
    _ x: String, hidden: Int, feedForward: Int, result: String,
    hints: KernelHints = KernelHints(), weights: NumberFormat? = nil
  ) throws(GraphError) -> String {
    try weight("w_gate", rows: hidden, columns: feedForward, format: weights)
    try weight("w_up", rows: hidden, columns: feedForward, format: weights)
    try weight("w_down", rows: feedForward, columns: hidden, format: weights)
    let fused = KernelHints(variant: hints.variant, fusion: "gated")
    try product(x, "w_gate", name: "gate", hints: fused)
    try product(x, "w_up", name: "up", hints: fused)
    try apply(.silu, to: ["gate"], name: "activated", hints: fused)
    try apply(.multiply, to: ["activated", "up"], name: "gated", hints: fused)
    return try product("gated", "w_down", name: result, hints: hints)
  }
}
