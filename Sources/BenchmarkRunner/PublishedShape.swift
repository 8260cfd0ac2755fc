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
    case .layer(let decoder): published(decoder, operation: "decoder-layer")
    case .model(let decoder): published(decoder, operation: "decoder")
    case .network(let network): published(isTraining: network.graphs.isTraining)
    case .micro, .training: nil
    }
  }

  /// What has no shape in a few numbers goes by its name and version.
  private func published(isTraining: Bool) -> PublishedShape {
    PublishedShape(
      operation: isTraining ? "training-step" : "network",
      values: ["workload": name, "version": "\(version)"])
  }

  private func published(_ decoder: DecoderParameters, operation: String) -> PublishedShape? {
    decoder.optimizer == nil
      ? Self.publishedShape(decoder, operation: operation) : published(isTraining: true)
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
      // What others publish has both operands in one format.
      guard !product.isScaled else { return nil }
      return PublishedShape(
        operation: "gemm",
        values: ["m": "\(product.rows)", "n": "\(product.columns)", "k": "\(product.depth)"])
    case .attention(let attention):
      guard attention.query.tokens == attention.key.tokens else { return nil }
      var shape = PublishedShape(
        operation: "attention-forward",
        values: [
          "batch": "\(attention.query.batch)", "heads": "\(attention.query.heads)",
          "sequence": "\(attention.query.tokens)", "head_size": "\(attention.query.channels)",
          "causal": "\(attention.isCausal)",
        ])
      // What is not usual is told, so that it meets nothing but its like.
      if attention.key.heads != attention.query.heads {
        shape.values["kv_heads"] = "\(attention.key.heads)"
      }
      if let window = attention.window { shape.values["window"] = "\(window)" }
      return shape
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
    default: return laterShape(parameters)
    }
  }

  /// The same of what has several lengths of its own.
  private static func laterShape(_ parameters: KernelParameters) -> PublishedShape? {
    switch parameters {
    case .experts(let experts):
      guard !experts.isScaled else { return nil }
      return PublishedShape(
        operation: "mixture-of-experts",
        values: [
          "tokens": "\(experts.tokens)", "hidden": "\(experts.width)",
          "feed_forward": "\(experts.hidden)", "experts": "\(experts.experts)",
          "chosen": "\(experts.chosen)",
        ])
    case .paged(let paged):
      return PublishedShape(
        operation: "paged-attention",
        values: [
          "batch": "\(paged.batch)", "heads": "\(paged.attention.heads)",
          "kv_heads": "\(paged.attention.kvHeads)", "head_dim": "\(paged.attention.size)",
          "keys": "\(paged.attention.keys)", "page": "\(paged.attention.page)",
        ])
    case .bags(let bags):
      return PublishedShape(
        operation: "embedding-bag",
        values: [
          "bags": "\(bags.bags)", "tables": "\(bags.tables)", "rows": "\(bags.rows)",
          "places": "\(bags.places)", "width": "\(bags.width)",
        ])
    case .suppression(let boxes):
      return PublishedShape(
        operation: "box-suppression",
        values: [
          "batch": "\(boxes.batch)", "classes": "\(boxes.classes)", "boxes": "\(boxes.boxes)",
          "most": "\(boxes.choice.most)",
        ])
    default: return nil
    }
  }
}
