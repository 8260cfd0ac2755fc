import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Matrix products, with the bias, activation or residual that follows.
struct ProductRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .matMul(let transposeA, let transposeB) = node.operation else { return nil }
    let a = try plan.tensor(node.inputs[0])
    let b = try plan.tensor(node.inputs[1])
    let (rows, depth) =
      transposeA ? (a.shape.columnCount, a.rowCount) : (a.rowCount, a.shape.columnCount)
    var kernel = MatmulKernel(
      m: rows, k: depth, n: transposeB ? b.rowCount : b.shape.columnCount, input: a.format,
      output: try plan.tensor(node.outputs[0]).format,
      lhs: transposeA ? .contractionRows : .contractionColumns,
      rhs: transposeB ? .contractionColumns : .contractionRows,
      variant: try variant(node))
    // Our choice: what the published program's compiler buffered is not known. With two buffers the
    // latency of each load shows and the product takes 13.8 ms instead of 7.8.
    kernel.reloadBuffers = 8
    if b.format != a.format { kernel.narrowRHS = b.format }
    let tail = try ProductTail(after: node, in: plan)
    var alone = kernel
    kernel.output = try plan.tensor(tail.output).format
    kernel.bias = tail.bias == nil ? .none : .perColumn
    if let bias = tail.bias { kernel.biasFormat = try plan.tensor(bias).format }
    kernel.activation = tail.activation
    kernel.hasResidual = tail.residual != nil
    do {
      try plan.invoke(
        kernel, node.inputs + [tail.bias, tail.residual].compactMap { $0 } + [tail.output],
        nodes: tail.nodes)
      return [position] + tail.positions
    } catch .kernel where !tail.positions.isEmpty {
      // A bias of more columns than SBUF holds beside the product is added by a kernel of its own.
      alone.output = try plan.tensor(node.outputs[0]).format
      try plan.invoke(alone, node.inputs + node.outputs, nodes: [node])
      return [position]
    }
  }

  private func variant(_ node: Node) throws(LoweringError) -> MatmulKernel.Variant {
    switch node.hints.variant {
    case nil, "blocked": return .blocked
    case "v0", "reload": return .reload
    // Four rows of tiles: the published traffic of about 0.33 GB.
    case "v1", "row-resident": return .rowResident(rowTiles: 4)
    case .some(let name):
      throw node.refused("there is no variant '\(name)'; variants are blocked, v0 and v1")
    }
  }
}

/// gate, up, silu, multiply, down and the residual in one kernel, where the workload asks for it.
struct GatedLayerRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    let nodes = Array(plan.graph.nodes[position...].prefix(5))
    guard nodes.count >= 5, nodes[0].hints.fusion == "gated",
      case .matMul(false, false) = nodes[0].operation,
      case .matMul(false, false) = nodes[1].operation, case .silu = nodes[2].operation,
      case .multiply = nodes[3].operation, case .matMul(false, false) = nodes[4].operation,
      nodes[1].inputs[0] == nodes[0].inputs[0], nodes[2].inputs == nodes[0].outputs,
      nodes[3].inputs == nodes[2].outputs + nodes[1].outputs,
      nodes[4].inputs[0] == nodes[3].outputs[0]
    else { return nil }
    // What a backward pass reads has to be stored.
    let inner = position..<position + 5
    for node in nodes.prefix(4) {
      let readers = plan.readers[node.outputs[0]] ?? []
      guard readers.allSatisfy(inner.contains) else { return nil }
    }
    let x = try plan.tensor(nodes[0].inputs[0])
    let hidden = try plan.tensor(nodes[0].outputs[0]).shape.columnCount
    guard x.shape.columnCount % 128 == 0, hidden % 128 == 0 else { return nil }
    var kernel = SwiGLUKernel(
      tokens: x.rowCount, width: x.shape.columnCount, hidden: hidden, format: x.format)
    var formats: Set<NumberFormat> = []
    for product in [0, 1, 4] {
      formats.insert(try plan.tensor(nodes[product].inputs[1]).format)
    }
    guard let weights = formats.first, formats.count == 1 else { return nil }
    if weights != x.format { kernel.narrowWeights = weights }
    let operands = [x.name, nodes[0].inputs[1], nodes[1].inputs[1], nodes[4].inputs[1]]
    let positions = Array(position..<position + 5)
    let tail = try ProductTail(after: nodes[4], in: plan)
    do {
      // Of one token, what is added may look like a bias.
      if let residual = tail.residual ?? tail.bias, tail.positions.count == 1,
        try plan.tensor(residual).format == x.format,
        try plan.tensor(residual).shape.elementCount == x.shape.elementCount
      {
        kernel.hasResidual = true
        try plan.invoke(
          kernel, operands + [residual, tail.output], nodes: nodes + tail.nodes.dropFirst())
        return positions + tail.positions
      }
      try plan.invoke(kernel, operands + nodes[4].outputs, nodes: nodes)
      return positions
    } catch .kernel {
      // Layers too wide to hold between their products run as kernels of their own.
      return nil
    }
  }
}
