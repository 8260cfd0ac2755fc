import ModelGraph
import WorkloadCatalog

/// A workload's operation and shape, spelled as published numbers are.
struct PublishedShape {
  var operation: String
  var values: [String: String]
}

extension WorkloadSpecification {
  /// What numbers of other hardware are matched by; nil for workloads that only our machine has.
  var publishedShape: PublishedShape? {
    switch body {
    case .kernel(let parameters, _): Self.publishedShape(parameters)
    case .layer(let decoder): Self.publishedShape(decoder, operation: "decoder-layer")
    case .model(let decoder): Self.publishedShape(decoder, operation: "decoder")
    case .micro, .network, .training: nil
    }
  }

  /// The names that `scripts/gpu-reference` gives to the shape of a decoder.
  private static func publishedShape(_ decoder: DecoderParameters, operation: String)
    -> PublishedShape?
  {
    // No training step and no weights in another format is what others publish as a forward pass.
    guard decoder.optimizer == nil, decoder.adapters == nil, decoder.weights == nil,
      !decoder.scalesExperts
    else { return nil }
    return PublishedShape(
      operation: operation,
      values: [
        "architecture": decoder.architecture.name, "phase": decoder.phase.rawValue,
        "batch": "\(decoder.batch)", "tokens": "\(decoder.tokens)",
        "context": "\(decoder.context)",
      ])
  }

  private static func publishedShape(_ parameters: KernelParameters) -> PublishedShape? {
    switch parameters {
    case .product(let product):
      return PublishedShape(
        operation: "gemm",
        values: ["m": "\(product.rows)", "n": "\(product.columns)", "k": "\(product.depth)"])
    case .attention(let attention):
      guard attention.query.heads == attention.key.heads,
        attention.query.tokens == attention.key.tokens, attention.window == nil
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
    case .rmsNormalization(let rows, _):
      return PublishedShape(
        operation: "rmsnorm", values: ["rows": "\(rows.rows)", "columns": "\(rows.columns)"])
    case .layerNormalization(let rows, _):
      return PublishedShape(
        operation: "layernorm", values: ["rows": "\(rows.rows)", "columns": "\(rows.columns)"])
    case .gated(let gated):
      return PublishedShape(
        operation: "gated-feed-forward",
        values: [
          "rows": "\(gated.rows)", "hidden": "\(gated.hidden)",
          "feed_forward": "\(gated.feedForward)",
        ])
    case .experts(let experts):
      return PublishedShape(
        operation: "mixture-of-experts",
        values: [
          "tokens": "\(experts.tokens)", "hidden": "\(experts.width)",
          "feed_forward": "\(experts.hidden)", "experts": "\(experts.experts)",
          "chosen": "\(experts.chosen)",
        ])
    }
  }
}
