import ModelGraph

/// The operators that a kernel workload can name, by ONNX's names where ONNX has one.
enum KernelOperatorName: String, CaseIterable {
  case matMul = "MatMul"
  case softmax = "Softmax"
  case rmsNormalization = "RMSNormalization"
  case layerNormalization = "LayerNormalization"
  case attention = "Attention"
  case gated = "GatedMLP"
  case experts = "MixtureOfExperts"
  case scaledExperts = "MixtureOfExpertsMX"
}

extension KernelParameters {
  /// Reads `operator`, `shape`, and where the operator has them `layout`, `epsilon` and `causal`.
  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> KernelParameters {
    let name = try section.choice("operator", of: KernelOperatorName.self)
    var shape = try section.section("shape")
    let parameters: KernelParameters
    switch name {
    case .matMul: parameters = .product(try product(&shape, &section))
    case .softmax: parameters = .softmax(try rows(&shape))
    case .rmsNormalization:
      parameters = .rmsNormalization(
        try rows(&shape), epsilon: try section.number("epsilon", above: 0))
    case .layerNormalization:
      parameters = .layerNormalization(
        try rows(&shape), epsilon: try section.number("epsilon", above: 0))
    case .attention: parameters = .attention(try attention(&shape, &section))
    case .gated:
      parameters = .gated(
        GatedParameters(
          rows: try shape.integer("rows"), hidden: try shape.integer("hidden"),
          feedForward: try shape.integer("feed_forward")))
    case .experts: parameters = .experts(try experts(&shape))
    case .scaledExperts:
      var experts = try experts(&shape)
      experts.isScaled = true
      parameters = .experts(experts)
    }
    try shape.finish()
    return parameters
  }

  private static func experts(_ shape: inout YAMLSection) throws(WorkloadError)
    -> ExpertParameters
  {
    let parameters = ExpertParameters(
      tokens: try shape.integer("tokens"), width: try shape.integer("width"),
      hidden: try shape.integer("hidden"), experts: try shape.integer("experts"),
      chosen: try shape.integer("chosen"))
    guard parameters.chosen <= parameters.experts else {
      throw shape.badValue("chosen", expected: "at most as many as there are experts")
    }
    return parameters
  }

  private static func rows(_ shape: inout YAMLSection) throws(WorkloadError) -> RowParameters {
    RowParameters(rows: try shape.integer("rows"), columns: try shape.integer("columns"))
  }

  /// How a factor of a product is stored.
  private enum Storage: String, CaseIterable { case plain, transposed }

  private static func product(_ shape: inout YAMLSection, _ section: inout YAMLSection)
    throws(WorkloadError) -> ProductParameters
  {
    var layout = try section.section("layout")
    let parameters = ProductParameters(
      rows: try shape.integer("m"), depth: try shape.integer("k"),
      columns: try shape.integer("n"),
      isLeftTransposed: try layout.choice("lhs", of: Storage.self) == .transposed,
      isRightTransposed: try layout.choice("rhs", of: Storage.self) == .transposed)
    try layout.finish()
    return parameters
  }

  private static func attention(_ shape: inout YAMLSection, _ section: inout YAMLSection)
    throws(WorkloadError) -> Attention
  {
    let query = HeadDimensions(
      batch: try shape.integer("batch"), heads: try shape.integer("heads"),
      tokens: try shape.integer("tokens"), channels: try shape.integer("head_dim"))
    var key = query
    key.heads = try shape.integer("kv_heads")
    guard query.heads % key.heads == 0 else {
      throw shape.badValue("kv_heads", expected: "a divisor of heads")
    }
    let window = shape.has("window") ? try shape.integer("window") : nil
    var layout = try section.section("layout")
    var attention = Attention(
      query: query, key: key, isCausal: try section.truth("causal"),
      queryLayout: try layout.choice("query", of: HeadLayout.self),
      keyLayout: try layout.choice("key", of: HeadLayout.self),
      valueLayout: try layout.choice("value", of: HeadLayout.self),
      outputLayout: try layout.choice("output", of: HeadLayout.self))
    try layout.finish()
    attention.window = window
    guard window == nil || attention.isCausal else {
      throw section.badValue("causal", expected: "true beside a window")
    }
    return attention
  }
}
