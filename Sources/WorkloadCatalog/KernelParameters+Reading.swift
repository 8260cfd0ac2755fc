import ModelGraph

/// The operators that a kernel workload can name, by ONNX's names where ONNX has one.
enum KernelOperatorName: String, CaseIterable {
  case matMul = "MatMul"
  case scaledMatMul = "MatMulMX"
  case softmax = "Softmax"
  case rmsNormalization = "RMSNormalization"
  case layerNormalization = "LayerNormalization"
  case attention = "Attention"
  case gated = "GatedMLP"
  case experts = "MixtureOfExperts"
  case scaledExperts = "MixtureOfExpertsMX"
  case paged = "PagedAttention"
  case bags = "EmbeddingBag"
  case suppression = "NonMaxSuppression"
}

extension KernelParameters {
  /// Reads `operator`, `shape`, and where the operator has them `layout`, `epsilon`, `causal`,
  /// `overlap` and `least`.
  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> KernelParameters {
    let name = try section.choice("operator", of: KernelOperatorName.self)
    var shape = try section.section("shape")
    let parameters: KernelParameters
    switch name {
    case .matMul: parameters = .product(try product(&shape, &section))
    case .scaledMatMul: parameters = .product(try scaledProduct(&shape))
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
    case .paged: parameters = .paged(try paged(&shape))
    case .bags:
      parameters = .bags(
        BagParameters(
          bags: try shape.integer("bags"), tables: try shape.integer("tables"),
          rows: try shape.integer("rows"), places: try shape.integer("places"),
          width: try shape.integer("width")))
    case .suppression: parameters = .suppression(try suppression(&shape, &section))
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

  private static func paged(_ shape: inout YAMLSection) throws(WorkloadError) -> PagedParameters {
    let parameters = PagedParameters(
      batch: try shape.integer("batch"), pages: try shape.integer("pages"),
      attention: PagedAttention(
        heads: try shape.integer("heads"), kvHeads: try shape.integer("kv_heads"),
        size: try shape.integer("head_dim"), keys: try shape.integer("keys"),
        page: try shape.integer("page")))
    guard parameters.attention.heads % parameters.attention.kvHeads == 0 else {
      throw shape.badValue("kv_heads", expected: "a divisor of heads")
    }
    return parameters
  }

  private static func suppression(_ shape: inout YAMLSection, _ section: inout YAMLSection)
    throws(WorkloadError) -> SuppressionParameters
  {
    SuppressionParameters(
      batch: try shape.integer("batch"), classes: try shape.integer("classes"),
      boxes: try shape.integer("boxes"),
      choice: BoxSuppression(
        most: try shape.integer("most"), overlap: try section.number("overlap", above: 0, upTo: 1),
        least: section.has("least") ? try section.number("least", above: 0) : nil,
        isCentred: true))
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

  /// Activations stand transposed, and both K's are whole blocks of one scale.
  private static func scaledProduct(_ shape: inout YAMLSection) throws(WorkloadError)
    -> ProductParameters
  {
    var parameters = ProductParameters(
      rows: try shape.integer("m"), depth: try shape.integer("k"),
      columns: try shape.integer("n"), isLeftTransposed: true, isRightTransposed: false)
    parameters.isScaled = true
    guard parameters.depth % ScaledExpertLayer.blockRows == 0 else {
      throw shape.badValue("k", expected: "a multiple of \(ScaledExpertLayer.blockRows)")
    }
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
