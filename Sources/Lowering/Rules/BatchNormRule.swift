import KernelLibrary
import ModelGraph
import NumericFormats

/// Moments of batches, and the sums of a batch normalisation's gradient.
struct BatchNormRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .batchMoments:
      let x = try plan.tensor(node.inputs[0])
      try requireWhole(node, node.outputs, plan)
      try plan.invoke(
        BatchMomentsKernel(
          channels: x.shape[0], elements: x.shape.elementCount / x.shape[0], format: x.format),
        node.inputs + node.outputs, nodes: [node])
    case .batchSums(let sums):
      let x = try plan.tensor(node.inputs[1])
      try requireWhole(node, [node.inputs[2]] + node.outputs, plan)
      try plan.invoke(
        BatchSumsKernel(
          channels: x.shape[0], elements: x.shape.elementCount / x.shape[0],
          epsilon: Float(sums.epsilon), gradient: try plan.tensor(node.inputs[0]).format,
          format: x.format), node.inputs + node.outputs, nodes: [node])
    default: return nil
    }
    return [position]
  }

  private func requireWhole(_ node: Node, _ names: [String], _ plan: LoweringPlan)
    throws(LoweringError)
  {
    for name in names {
      guard try plan.tensor(name).format == .float32 else {
        throw node.refused("moments and sums have to be fp32")
      }
    }
  }
}
