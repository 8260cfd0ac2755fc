import KernelLibrary
import ModelGraph
import NumericFormats

/// Products of the same few rows with several weights in one kernel, where the workload asks for
/// it.
struct ProjectionsRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let match = try ProjectionsMatch(at: position, in: plan), match.kernel.isSupported else {
      return nil
    }
    let operands =
      [node.inputs[0]] + match.nodes.map { $0.inputs[1] } + match.nodes.map { $0.outputs[0] }
    do { try plan.invoke(match.kernel, operands, nodes: match.nodes) } catch .kernel { return nil }
    return match.positions
  }
}

/// Products of the same rows that stand one behind the other, without anything that follows them.
struct ProjectionsMatch {
  let nodes: [Node]
  let positions: [Int]
  let kernel: ProjectionsKernel

  init?(at position: Int, in plan: LoweringPlan) throws(LoweringError) {
    let node = plan.graph.nodes[position]
    guard node.hints.fusion == "projections" else { return nil }
    let nodes = plan.graph.nodes[position...].prefix { other in
      guard case .matMul(false, false) = other.operation else { return false }
      return other.hints.fusion == node.hints.fusion && other.inputs[0] == node.inputs[0]
    }
    guard nodes.count > 1 else { return nil }
    let x = try plan.tensor(node.inputs[0])
    var widths: [Int] = []
    var formats: Set<NumberFormat> = []
    for product in nodes {
      let weights = try plan.tensor(product.inputs[1])
      guard try plan.tensor(product.outputs[0]).format == x.format,
        plan.isAvailable(product.inputs[1]),
        try ProductTail(after: product, in: plan).positions.isEmpty
      else { return nil }
      widths.append(weights.shape.columnCount)
      formats.insert(weights.format)
    }
    guard formats.count == 1, let format = formats.first else { return nil }
    (self.nodes, positions) = (Array(nodes), Array(nodes.indices))
    kernel = ProjectionsKernel(
      rows: x.rowCount, depth: x.shape.columnCount, widths: widths, format: x.format,
      weightFormat: format)
  }
}
