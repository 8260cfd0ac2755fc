import KernelLibrary
import ModelGraph
import NumericFormats

/// The norm of a few rows, and the sum before it, taken along by the products that alone read it:
/// projections, a gated layer, or a router with its experts.
struct NormedProductsRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let rows = try RowNormMatch(node, at: position, in: plan),
      let readers = plan.readers[rows.output], let first = readers.min()
    else { return nil }
    if let match = try ProjectionsMatch(at: first, in: plan), match.products == readers {
      return try lower(match, rows, &plan)
    }
    if readers.count == 2,
      let match = try RoutedExpertsMatch(router: first, experts: readers[1], in: plan)
    {
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
    return try match.invoke(
      kernel, [rows.x] + rows.inputs, sum: rows.sum, before: (rows.nodes, rows.positions),
      in: &plan)
  }

  /// Norm and router are stored as well: the experts' choice is theirs, to the last bit.
  private func lower(
    _ match: RoutedExpertsMatch, _ rows: RowNormMatch, _ plan: inout LoweringPlan
  ) throws(LoweringError) -> [Int]? {
    var kernel = match.kernel
    kernel.norm = rows.norm
    let operands =
      [rows.x] + rows.inputs + match.weights + rows.sum + [rows.output, match.logits]
      + match.nodes[1].outputs
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
    guard kernel.takesNorm, !rows.norm.hasBias,
      try ProductTail(after: match.nodes[4], in: plan).positions.isEmpty,
      !addsBehind(match.nodes[4], plan)
    else { return nil }
    kernel.norm = rows.norm
    let operands = [rows.x] + match.weights + rows.inputs + rows.sum
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

/// A router's product and the experts that it chooses from, both of the same rows.
private struct RoutedExpertsMatch {
  let nodes: [Node]
  let positions: [Int]
  let kernel: ExpertLayerKernel
  /// The router's and the experts'.
  let weights: [String]
  let logits: String

  init?(router: Int, experts: Int, in plan: LoweringPlan) throws(LoweringError) {
    let (first, second) = (plan.graph.nodes[router], plan.graph.nodes[experts])
    guard case .matMul(false, false) = first.operation,
      case .expertLayer(let layer) = second.operation, second.inputs[0] == first.inputs[0],
      second.inputs[1] == first.outputs[0],
      plan.graph.tensor(first.outputs[0])?.role == .intermediate
    else { return nil }
    let (x, products) = (try plan.tensor(first.inputs[0]), try plan.tensor(first.outputs[0]))
    guard products.format == .float32, try plan.tensor(first.inputs[1]).format == x.format,
      x.rowCount <= ExpertLayerKernel.mostNormedTokens,
      ([first.inputs[1]] + second.inputs[2...]).allSatisfy({ plan.isAvailable($0) })
    else { return nil }
    for name in second.inputs[2...4] where try plan.tensor(name).format != x.format { return nil }
    kernel = ExpertLayerKernel(
      tokens: x.rowCount, width: x.shape.columnCount,
      hidden: try plan.tensor(second.inputs[2]).shape.columnCount,
      experts: products.shape.columnCount, chosen: layer.chosen, format: x.format)
    (nodes, positions, logits) = ([first, second], [router, experts], first.outputs[0])
    weights = [first.inputs[1]] + second.inputs[2...4]
  }
}

/// A norm of rows that nobody but products reads, and the sum that it is of: with what is added to
/// the addend, where that is a bias.
private struct RowNormMatch {
  let norm: RowNorm
  let x: String
  /// What the kernel reads beside the rows: the addend and its bias, if any, and gamma.
  let inputs: [String]
  /// Where the sum goes, if there is one.
  let sum: [String]
  let output: String
  let nodes: [Node]
  let positions: [Int]

  init?(_ node: Node, at position: Int, in plan: LoweringPlan) throws(LoweringError) {
    var chain = [(node: node, position: position)]
    var (addends, bias, sum): ([String], [String], [String]) = ([], [], [])
    var x = node.inputs.first ?? ""
    var made: String?
    if let found = try Self.biased(node, in: plan) {
      (bias, made) = ([found.bias], node.outputs[0])
      addends = [node.inputs.first { $0 != found.bias } ?? found.bias]
      chain.append(found.next)
    }
    let last = chain[chain.count - 1].node
    if case .add = last.operation, last.inputs.count == 2 {
      guard let next = Self.norm(of: last.outputs[0], in: plan) else { return nil }
      let other = made ?? last.inputs[1]
      x = last.inputs.first { $0 != other } ?? other
      if addends.isEmpty { addends = [other] }
      sum = [last.outputs[0]]
      chain.append(next)
    }
    let end = chain[chain.count - 1].node
    guard case .rmsNormalization(let epsilon) = end.operation,
      plan.graph.tensor(end.outputs[0])?.role == .intermediate,
      ([x, end.inputs[1]] + addends).allSatisfy({ plan.isAvailable($0) })
    else { return nil }
    let whole = try plan.tensor(end.outputs[0])
    let gamma = try plan.tensor(end.inputs[1])
    guard gamma.format == whole.format,
      gamma.shape.elementCount == whole.shape.columnCount
    else { return nil }
    for name in [x] + addends + sum {
      let tensor = try plan.tensor(name)
      guard tensor.shape == whole.shape, tensor.format == whole.format else { return nil }
    }
    var norm = RowNorm(epsilon: Float(epsilon), hasAddend: !addends.isEmpty)
    norm.hasBias = !bias.isEmpty
    (self.norm, self.x, self.sum, output) = (norm, x, sum, end.outputs[0])
    inputs = addends + bias + [end.inputs[1]]
    (nodes, positions) = (chain.map(\.node), chain.map(\.position))
  }

  /// The norm that reads a tensor, which others may read too.
  private static func norm(of name: String, in plan: LoweringPlan)
    -> (node: Node, position: Int)?
  {
    let reader = plan.readers[name]?.first { reader in
      guard case .rmsNormalization = plan.graph.nodes[reader].operation else { return false }
      return plan.graph.nodes[reader].inputs[0] == name
    }
    return reader.flatMap { plan.done[$0] ? nil : (plan.graph.nodes[$0], $0) }
  }

  /// The bias that a node adds, in fp32, and the sum that alone reads what comes out.
  private static func biased(_ node: Node, in plan: LoweringPlan) throws(LoweringError)
    -> (bias: String, next: (node: Node, position: Int))?
  {
    guard case .add = node.operation, let result = node.outputs.first,
      let next = plan.onlyReader(of: result), case .add = next.node.operation
    else { return nil }
    let total = try plan.tensor(result)
    for bias in node.inputs {
      let tensor = try plan.tensor(bias)
      guard tensor.format == .float32, total.format != .float32,
        tensor.shape.elementCount == total.shape.columnCount,
        tensor.shape.columnCount == total.shape.columnCount, tensor.role == .weight
      else { continue }
      return (bias, (next.node, next.position))
    }
    return nil
  }
}
