import KernelLibrary
import ModelGraph
import NumericFormats

/// The norm of a few rows, and the sum before it, taken along by the products that alone read it:
/// projections, or a gated layer.
struct NormedProductsRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let rows = try RowNormMatch(node, at: position, in: plan),
      let readers = plan.readers[rows.output], let first = readers.min()
    else { return nil }
    if let match = try ProjectionsMatch(at: first, in: plan), match.positions == readers {
      return try lower(match, rows, &plan)
    }
    if let match = try GatedLayerMatch(at: first, in: plan), readers == [first, first + 1] {
      return try lower(match, rows, &plan)
    }
    return nil
  }

  private func lower(
    _ match: ProjectionsMatch, _ rows: RowNormMatch, _ plan: inout LoweringPlan
  ) throws(LoweringError) -> [Int]? {
    var kernel = match.kernel
    kernel.norm = rows.norm
    guard kernel.isSupported else { return nil }
    let operands =
      [rows.x] + rows.addend + [rows.gamma] + match.nodes.map { $0.inputs[1] } + rows.sum
      + match.nodes.map { $0.outputs[0] }
    do { try plan.invoke(kernel, operands, nodes: rows.nodes + match.nodes) } catch .kernel {
      return nil
    }
    return rows.positions + match.positions
  }

  /// A residual behind the layer would be the sum that the same kernel stores, so that one behind
  /// which something is added stays as it is.
  private func lower(
    _ match: GatedLayerMatch, _ rows: RowNormMatch, _ plan: inout LoweringPlan
  ) throws(LoweringError) -> [Int]? {
    var kernel = match.kernel
    guard kernel.takesNorm, try ProductTail(after: match.nodes[4], in: plan).positions.isEmpty,
      !addsBehind(match.nodes[4], plan)
    else { return nil }
    kernel.norm = rows.norm
    let operands = [rows.x] + match.weights + [rows.gamma] + rows.addend + rows.sum
    do {
      try plan.invoke(
        kernel, operands + match.nodes[4].outputs, nodes: rows.nodes + match.nodes)
    } catch .kernel { return nil }
    return rows.positions + match.positions
  }

  private func addsBehind(_ node: Node, _ plan: LoweringPlan) -> Bool {
    guard let next = plan.onlyReader(of: node.outputs[0]) else { return false }
    if case .add = next.node.operation { return true }
    return false
  }
}

/// A norm of rows that nobody but products reads, and the sum that it is of.
private struct RowNormMatch {
  let norm: RowNorm
  let x: String
  let gamma: String
  /// What is added first and where the sum goes, or nothing.
  private(set) var addend: [String] = []
  private(set) var sum: [String] = []
  let output: String
  private(set) var nodes: [Node]
  private(set) var positions: [Int]

  init?(_ node: Node, at position: Int, in plan: LoweringPlan) throws(LoweringError) {
    var place = position
    if case .add = node.operation, let total = node.outputs.first {
      let next = plan.readers[total]?.first { reader in
        guard case .rmsNormalization = plan.graph.nodes[reader].operation else { return false }
        return plan.graph.nodes[reader].inputs[0] == total
      }
      guard let next, !plan.done[next] else { return nil }
      place = next
    }
    let last = plan.graph.nodes[place]
    guard case .rmsNormalization(let epsilon) = last.operation,
      plan.graph.tensor(last.outputs[0])?.role == .intermediate,
      plan.isAvailable(last.inputs[1])
    else { return nil }
    let hasAddend = place != position
    norm = RowNorm(epsilon: Float(epsilon), hasAddend: hasAddend)
    (x, gamma, output) = (node.inputs[0], last.inputs[1], last.outputs[0])
    (nodes, positions) = (
      hasAddend ? [node, last] : [last], hasAddend ? [position, place] : [place]
    )
    if hasAddend { (addend, sum) = ([node.inputs[1]], node.outputs) }
    let whole = try plan.tensor(output)
    for name in [x] + addend + sum {
      let tensor = try plan.tensor(name)
      guard tensor.shape == whole.shape, tensor.format == whole.format else { return nil }
    }
  }
}
