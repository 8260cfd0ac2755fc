import ModelGraph
import NumericFormats

extension ClickTask {
  /// Appends the machine over the input `ids`, rows of the table of all features, up to `logits`:
  /// bias + Σ w_i + ½ Σ_k ((Σ v_ik)² − Σ v_ik²).
  func forward(batch: Int, _ builder: inout GraphBuilder) throws(GraphError) {
    let fields = counts.count
    try builder.given("ids", [batch, fields], format: .int32, fill: .indices(count: rows))
    try builder.given("bias", [1, 1], role: .state, format: .float32, fill: .zeros)
    // The first column is the value's own weight, the others are its factors.
    try builder.given(
      "table", [rows, 1 + width], role: .state, format: .float32,
      fill: .normal(standardDeviation: 0.05))
    try builder.apply(.gather, to: ["table", "ids"], name: "values", format: .float32)
    try cut("own", from: 0, count: 1, batch: batch, &builder)
    try cut("factors", from: 1, count: width, batch: batch, &builder)
    try reduce(.sum, "factors", axis: 1, to: "sums", &builder)
    try reduce(.sumOfSquares, "factors", axis: 1, to: "alone", &builder)
    try builder.apply(.multiply, to: ["sums", "sums"], name: "squares", format: .float32)
    try apply(.subtract, "squares", "alone", to: "pairs", &builder)
    try reduce(.sum, "pairs", axis: 2, to: "twice", &builder)
    let half = try builder.given(
      "half", [1], role: .weight, format: .float32, fill: .constant(0.5))
    try builder.apply(.multiply, to: ["twice", half], name: "together", format: .float32)
    try reduce(.sum, "own", axis: 1, to: "linear", &builder)
    try builder.apply(.add, to: ["linear", "together"], name: "scores", format: .float32)
    try builder.apply(
      .reshape(Reshape(to: [batch, 1])), to: ["scores"], name: "column", format: .float32)
    try builder.apply(.add, to: ["column", "bias"], name: "logits", format: .float32)
  }

  /// Appends the mean of log(1 + exp(z)) − y·z over the input `labels`.
  func loss(batch: Int, _ builder: inout GraphBuilder) throws(GraphError) {
    try builder.given("labels", [batch, 1], format: .float32, fill: .constant(1))
    try builder.apply(
      .elementwise(Elementwise(.softplus)), to: ["logits"], name: "all", format: .float32)
    try builder.apply(.multiply, to: ["logits", "labels"], name: "clicked", format: .float32)
    try apply(.subtract, "all", "clicked", to: "losses", &builder)
    try builder.apply(
      .reduce(Reduction(.mean, axes: [0, 1], keepsDimensions: true)), to: ["losses"],
      name: "loss", format: .float32, role: .output)
  }

  private func cut(
    _ name: String, from start: Int, count: Int, batch: Int, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.apply(
      .stridedSlice(
        StridedSlice(
          starts: [0, 0, start], counts: [batch, counts.count, count], steps: [1, 1, 1])),
      to: ["values"], name: name, format: .float32)
  }

  private func reduce(
    _ kind: ReductionKind, _ x: String, axis: Int, to name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.apply(
      .reduce(Reduction(kind, axes: [axis], keepsDimensions: true)), to: [x], name: name,
      format: .float32)
  }

  private func apply(
    _ function: ElementwiseFunction, _ a: String, _ b: String, to name: String,
    _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try builder.apply(
      .elementwise(Elementwise(function)), to: [a, b], name: name, format: .float32)
  }
}
