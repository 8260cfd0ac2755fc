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

  private static func product(
    _ product: ProductParameters, _ builder: inout GraphBuilder, _ output: NumberFormat,
    _ hints: KernelHints
  ) throws(GraphError) {
    let (rows, depth, columns) = (product.rows, product.depth, product.columns)
    try builder.given(
      "lhs", product.isLeftTransposed ? [depth, rows] : [rows, depth])
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
