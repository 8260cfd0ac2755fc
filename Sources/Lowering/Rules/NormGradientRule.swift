import KernelLibrary
import ModelGraph
import NumericFormats

/// The gradient of a norm: one kernel for its input, one for the sums over the rows.
struct NormGradientRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .normGradient(let gradient):
      let shape = try shape(node, plan, centres: gradient.centres, gradient.epsilon)
      try plan.invoke(
        NormGradientKernel(
          shape, scale: try plan.tensor(node.inputs[2]).format,
          output: try plan.tensor(node.outputs[0]).format),
        node.inputs + node.outputs, nodes: [node])
    case .normSums(let sums):
      guard try plan.tensor(node.outputs[0]).format == .float32 else {
        throw node.refused("sums over rows are stored in fp32")
      }
      try plan.invoke(
        NormSumsKernel(try shape(node, plan, centres: sums.centres, sums.epsilon)),
        node.inputs + node.outputs, nodes: [node])
    default: return nil
    }
    return [position]
  }

  private func shape(_ node: Node, _ plan: LoweringPlan, centres: Bool, _ epsilon: Double)
    throws(LoweringError) -> NormShape
  {
    let slope = try plan.tensor(node.inputs[0])
    let x = try plan.tensor(node.inputs[1])
    return NormShape(
      rows: x.rowCount, columns: x.shape.columnCount, epsilon: Float(epsilon), centres: centres,
      slope: slope.format, format: x.format)
  }
}
