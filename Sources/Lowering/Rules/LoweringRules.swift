import ModelGraph

/// How nodes of one family become kernels.
///
/// A rule looks at the node at a position and appends the kernels that carry it out, together with
/// nodes after it that they take along.
protocol LoweringRule: Sendable {
  /// The positions of the nodes that are carried out now, or nil when the rule is for other nodes.
  ///
  /// Throws `unsupported` with the reason when no kernel takes this form of the operator.
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
}

/// All rules, one per family and file; the first that takes a node decides.
enum LoweringRules {
  static let all: [any LoweringRule] = [
    NormedProductsRule(), GatedLayerRule(), ImageRule(), ProjectionsRule(), ProductRule(),
    ScaledProductRule(), BatchedProductRule(), AttentionRule(), PagedAttentionRule(), RotaryRule(),
    ExpertRule(), RowRule(), ResidualNormRule(), CrossEntropyRule(), ViewRule(), SignedShiftRule(),
    ElementRule(), MoveRule(), IndexRule(), ReduceRule(), NormalizationRule(), SearchRule(),
    SuppressionRule(), OneHotRule(), GemmRule(), OptimizerRule(), BagAdagradRule(),
    BatchNormRule(), NormGradientRule(), CacheRule(), CollectiveRule(),
  ]

  /// Lowers the node at a position by the first rule that takes it.
  static func lower(at position: Int, in plan: inout LoweringPlan) throws(LoweringError) -> [Int] {
    let node = plan.graph.nodes[position]
    for rule in all {
      if let done = try rule.lower(node, at: position, in: &plan) { return done }
    }
    throw node.refused(
      OperatorExpansions.limit(of: node, in: plan.graph)
        ?? "the kernel library has nothing for it yet")
  }
}

extension Node {
  /// No kernel takes the node as it stands.
  func refused(_ reason: String) -> LoweringError {
    .unsupported(node: name, operation: operation.name, reason: reason)
  }
}
