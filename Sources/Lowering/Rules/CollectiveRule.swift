import KernelLibrary
import ModelGraph

/// Sums over the cores that hold parts of a model.
struct CollectiveRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .allReduce(let reduce) = node.operation else { return nil }
    let x = try plan.tensor(node.inputs[0])
    guard try plan.tensor(node.outputs[0]).format == x.format else {
      throw node.refused("takes and gives the same format")
    }
    try plan.invoke(
      AllReduceKernel(count: x.shape.elementCount, ranks: reduce.ranks, format: x.format),
      node.inputs + node.outputs, nodes: [node])
    return [position]
  }
}
