import ModelGraph
import NumericFormats

/// Matrices of low rank beside frozen ones: y = x · W + alpha / rank · x · A · B.
///
/// Queries, keys and values share one A, as where their projections are one matrix. A and B are
/// trained, kept in fp32; nothing else is.
/// Source: E. Hu et al., LoRA (2021).
extension DecoderGraphs {
  /// Appends alpha / rank · x · A, called `<part>_low`.
  func lower(
    _ x: String, _ part: String, inputs: Int, _ adapters: LowRankAdapters,
    _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try trained("a_\(part)", rows: inputs, columns: adapters.rank, &builder)
    let product = try builder.product(x, "a_\(part)", name: "\(part)_low_product")
    let factor = try builder.given(
      "\(part)_factor", [1], role: .weight, format: .float32,
      fill: .constant(adapters.alpha / Double(adapters.rank)))
    try builder.apply(.multiply, to: [product, factor], name: "\(part)_low")
  }

  /// Appends what `lower` made times B, plus a product.
  func raise(
    _ part: String, _ product: String, _ columns: Int, name: String, _ adapters: LowRankAdapters,
    _ builder: inout GraphBuilder
  ) throws(GraphError) {
    try trained("b_\(name)", rows: adapters.rank, columns: columns, &builder)
    let high = try builder.product("\(part)_low", "b_\(name)", name: "\(name)_high")
    try builder.apply(.add, to: [high, product], name: name)
  }

  private func trained(_ name: String, rows: Int, columns: Int, _ builder: inout GraphBuilder)
    throws(GraphError)
  {
    builder.trainsWeights = parameters.optimizer != nil
    try builder.weight(name, rows: rows, columns: columns)
    builder.trainsWeights = false
  }
}
