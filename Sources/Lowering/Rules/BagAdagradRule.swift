import KernelLibrary
import ModelGraph
import NumericFormats

/// Steps on tables of embedding bags: all those of one gradient at once, so that their transfers
/// take turns.
struct BagAdagradRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .bagAdagrad(let first) = node.operation else { return nil }
    let index = try plan.tensor(node.inputs[0])
    let gradient = try plan.tensor(node.inputs[1])
    guard index.format.sizeBytes == 4, index.format.isInteger else {
      throw node.refused("indices of \(index.format.name); kernels read 32 bits")
    }
    let step = BagStep(
      bags: index.shape[0], places: index.shape[1], columns: gradient.shape[1],
      width: first.width, collectors: BagAdagrad.collectors, rate: Float(first.rate),
      epsilon: Float(first.epsilon), gradient: gradient.format)
    var taken: [Int] = []
    var large: [(node: Node, table: TrainedTable)] = []
    for other in position..<plan.graph.nodes.count {
      let candidate = plan.graph.nodes[other]
      guard case .bagAdagrad(let family) = candidate.operation,
        candidate.inputs.prefix(2) == node.inputs.prefix(2), family.width == first.width,
        family.rate == first.rate, family.epsilon == first.epsilon
      else { continue }
      try take(candidate, at: other, &plan)
      let rows = try plan.tensor(candidate.inputs[2]).shape[0] - BagAdagrad.spareRows
      let table = TrainedTable(rows: rows, places: family.places, column: family.column)
      if rows <= DenseBagAdagradKernel.mostRows {
        try plan.invoke(
          DenseBagAdagradKernel(step, table: table),
          Array(candidate.inputs.prefix(2)) + candidate.outputs, nodes: [candidate])
      } else {
        large.append((candidate, table))
      }
      taken.append(other)
    }
    try lower(large.map(\.node), large.map(\.table), step, &plan)
    return taken
  }

  /// Makes sure that a table can be changed where it lies.
  private func take(_ node: Node, at position: Int, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let (old, new) = (node.inputs[2], node.outputs[0])
    let table = try plan.tensor(old)
    guard try plan.tensor(new).updates == old, table.format == .float32,
      plan.mayReplace(new, reading: [position])
    else {
      throw node.refused("takes a table in fp32 whose old values nobody reads any more")
    }
    plan.turn(old, into: new)
  }

  private func lower(
    _ nodes: [Node], _ tables: [TrainedTable], _ step: BagStep, _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    guard let first = nodes.first else { return }
    let kernel = BagAdagradKernel(step, tables: tables)
    let lookups = tables.reduce(0) { $0 + $1.places.count }
    let rows = plan.scratch(
      "\(first.name)/rows", sizeBytes: step.bags * lookups * 2 * step.width * 4,
      format: .float32)
    try plan.invoke(
      kernel, Array(first.inputs.prefix(2)) + [rows] + nodes.map { $0.outputs[0] }, nodes: nodes)
  }
}
