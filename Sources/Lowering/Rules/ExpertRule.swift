import KernelLibrary
import ModelGraph
import NumericFormats

/// Mixtures of experts.
struct ExpertRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    if case .scaledExpertLayer(let layer) = node.operation {
      try scaled(layer, node, &plan)
      return [position]
    }
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

  /// Weights in MXFP4.
  private func scaled(_ layer: ScaledExpertLayer, _ node: Node, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let x = try plan.tensor(node.inputs[0])
    let logits = try plan.tensor(node.inputs[1])
    let output = try plan.tensor(node.outputs[0])
    guard logits.format == .float32, x.format == .bfloat16, output.format == .bfloat16 else {
      throw node.refused("takes bf16 tokens, gives the same, and the router's logits are fp32")
    }
    for place in [2, 4, 6] {
      guard try plan.tensor(node.inputs[place]).format == .uint16,
        try plan.tensor(node.inputs[place + 1]).format == .uint8
      else { throw node.refused("numbers are uint16 of four codes, scales uint8") }
    }
    try plan.invoke(
      ScaledExpertKernel(
        tokens: x.rowCount, width: x.shape.columnCount,
        hidden: try plan.tensor(node.inputs[2]).shape.columnCount,
        experts: logits.shape.columnCount, chosen: layer.chosen),
      node.inputs + node.outputs, nodes: [node])
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
