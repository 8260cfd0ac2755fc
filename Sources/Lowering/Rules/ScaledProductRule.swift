import KernelLibrary
import ModelGraph
import NumericFormats

/// Products with weights in MXFP4.
struct ScaledProductRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .scaledProduct = node.operation else { return nil }
    let a = try plan.tensor(node.inputs[0])
    guard a.format == .bfloat16, try plan.tensor(node.outputs[0]).format == .bfloat16,
      try plan.tensor(node.inputs[1]).format == .uint16,
      try plan.tensor(node.inputs[2]).format == .uint8
    else {
      throw node.refused(
        "takes bf16 and gives it; numbers are uint16 of four codes, scales uint8")
    }
    try plan.invoke(
      ScaledMatmulKernel(
        rows: a.shape[1], depth: a.shape[0],
        columns: try plan.tensor(node.inputs[1]).shape.columnCount),
      node.inputs + node.outputs, nodes: [node])
    return [position]
  }
}
