import ModelGraph
import WorkloadCatalog

/// A workload's operation and shape, spelled as published numbers are.
struct PublishedShape {
  var operation: String
  var values: [String: String]
}

extension WorkloadSpecification {
  /// What published numbers of other hardware are matched by; nil for workloads nobody publishes.
  var publishedShape: PublishedShape? {
    guard case .kernel(let parameters, _) = body else { return nil }
    switch parameters {
    case .product(let product):
      return PublishedShape(
        operation: "gemm",
        values: ["m": "\(product.rows)", "n": "\(product.columns)", "k": "\(product.depth)"])
    case .attention(let attention):
      guard attention.query.heads == attention.key.heads,
        attention.query.tokens == attention.key.tokens
      else { return nil }
      return PublishedShape(
        operation: "attention-forward",
        values: [
          "batch": "\(attention.query.batch)", "heads": "\(attention.query.heads)",
          "sequence": "\(attention.query.tokens)", "head_size": "\(attention.query.channels)",
          "causal": "\(attention.isCausal)",
        ])
    case .softmax(let rows):
      return PublishedShape(
        operation: "softmax", values: ["rows": "\(rows.rows)", "columns": "\(rows.columns)"])
    case .rmsNormalization, .layerNormalization, .gated: return nil
    }
  }
}
