import ModelGraph

/// Operators over images, tables and grids: convolution, pooling, resizing, norms by channel, bags,
/// stencils, transforms and forces.
struct ImageRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .convolution(let convolution):
      if try plan.weightGradient(convolution, node) { return [position] }
      do {
        return places(of: try plan.convolution(convolution, at: position), in: plan)
      } catch .kernel(let name, let reason) {
        guard try plan.frames(convolution, node) else {
          throw .kernel(node: name, reason: reason)
        }
      }
    case .channelNormalization(let norm):
      return places(of: try plan.channelNormalization(norm, at: position), in: plan)
    case .transposedConvolution(let convolution):
      try plan.transposedConvolution(convolution, node)
    case .pool(let pooling): try plan.pool(pooling, node)
    case .maxPoolGradient(let pooling): try plan.maxPoolGradient(pooling, node)
    case .resize(let resize): try plan.resize(resize, node)
    case .embeddingBag(let bag): try plan.embeddingBag(bag, node)
    case .stencil(let stencil): try plan.stencil(stencil, node)
    case .pointwiseAttention(let attention): try plan.pointwiseAttention(attention, node)
    case .neighbourAttention(let attention): try plan.neighbourAttention(attention, node)
    case .neighbourForce(let force): try plan.neighbourForce(force, node)
    case .fourierTransform: try plan.fourierTransform(node)
    default: return nil
    }
    return [position]
  }

  /// Where the nodes stand that a kernel took along.
  private func places(of nodes: [Node], in plan: LoweringPlan) -> [Int] {
    nodes.compactMap { plan.makers[$0.outputs[0]] }
  }
}
