import KernelLibrary
import ModelGraph
import NumericFormats

/// Loss and gradient of one pair of logits and labels come from one kernel.
struct CrossEntropyRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .softmaxCrossEntropyLoss = node.operation else { return nil }
    let following = plan.graph.nodes.indices.first { other in
      guard other > position, case .softmaxCrossEntropyGradient = plan.graph.nodes[other].operation
      else { return false }
      return plan.graph.nodes[other].inputs == node.inputs
    }
    guard let following else {
      throw node.refused("the kernel makes loss and gradient together; ask for the gradient too")
    }
    let next = plan.graph.nodes[following]
    let logits = try plan.tensor(node.inputs[0])
    try plan.invoke(
      CrossEntropyKernel(
        rows: logits.rowCount, classes: logits.shape.columnCount, format: logits.format,
        gradient: try plan.tensor(next.outputs[0]).format),
      node.inputs + node.outputs + next.outputs, nodes: [node, next])
    return [position, following]
  }
}

/// Steps of an optimiser, and the sums that they need.
struct OptimizerRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .gradientDescent(let rate): try descend(node, rate, &plan)
    case .reduceSum:
      let x = try plan.tensor(node.inputs[0])
      try plan.invoke(
        BiasGradientKernel(rows: x.rowCount, columns: x.shape.columnCount, format: x.format),
        node.inputs + node.outputs, nodes: [node])
    default: return nil
    }
    return [position]
  }

  /// The kernel works in place; a check needs the weights as they were, so they are copied first.
  private func descend(_ node: Node, _ rate: Double, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let weights = try plan.tensor(node.inputs[0])
    let count = weights.shape.elementCount
    if plan.keepsIntermediates {
      try plan.invoke(
        ElementwiseKernel(count: count, .cast, input: weights.format),
        [node.inputs[0], node.outputs[0]], nodes: [])
    } else {
      plan.alias(node.outputs[0], to: node.inputs[0])
    }
    let unused = plan.scratch(
      "unused weights", sizeBytes: max(count * 4, 1 << 20), format: .float32)
    try plan.invoke(
      SGDKernel(
        count: count, rate: Float(rate), gradient: try plan.tensor(node.inputs[1]).format,
        weights: .float32), [node.outputs[0], node.inputs[1], unused], nodes: [node])
  }
}
