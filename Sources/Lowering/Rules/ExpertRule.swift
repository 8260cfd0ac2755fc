import KernelLibrary
import ModelGraph
import NumericFormats

/// Mixtures of experts.
struct ExpertRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .expertLayer(let layer) = node.operation else { return nil }
    let x = try plan.tensor(node.inputs[0])
    let logits = try plan.tensor(node.inputs[1])
    guard logits.format == .float32 else {
      throw node.refused("logits of \(logits.format.name); the router's are fp32")
    }
    try plan.invoke(
      ExpertLayerKernel(
        tokens: x.rowCount, width: x.shape.columnCount,
        hidden: try plan.tensor(node.inputs[2]).shape.columnCount,
        experts: logits.shape.columnCount, chosen: layer.chosen, format: x.format),
      node.inputs + node.outputs, nodes: [node])
    return [position]
  }
}

extension AttentionKernel {
  /// Takes a window over: a decoding step looks at its keys alone, other kernels mask the rest.
  mutating func take(window: Int?) {
    guard let window, window < keys else { return }
    guard queries == 1 else {
      self.window = window
      return
    }
    capacity = keys
    firstKey = keys - window
    keys = window
  }
}
