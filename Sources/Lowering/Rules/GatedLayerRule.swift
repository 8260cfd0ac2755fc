import KernelLibrary
import ModelGraph
import NumericFormats

/// gate, up, silu, multiply, down and the residual in one kernel, where the workload asks for it.
struct GatedLayerRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let match = try GatedLayerMatch(at: position, in: plan) else { return nil }
    var kernel = match.kernel
    let x = try plan.tensor(node.inputs[0])
    let operands = [x.name] + match.weights
    let tail = try ProductTail(after: match.nodes[4], in: plan)
    do {
      // Of one token, what is added may look like a bias.
      if let residual = tail.residual ?? tail.bias, tail.positions.count == 1,
        try plan.tensor(residual).format == x.format,
        try plan.tensor(residual).shape.elementCount == x.shape.elementCount
      {
        kernel.hasResidual = true
        try plan.invoke(
          kernel, operands + [residual, tail.output],
          nodes: match.nodes + tail.nodes.dropFirst())
        return match.positions + tail.positions
      }
      try plan.invoke(kernel, operands + match.nodes[4].outputs, nodes: match.nodes)
      return match.positions
    } catch .kernel {
      // Layers too wide to hold between their products run as kernels of their own.
      return nil
    }
  }
}

/// The five nodes of a gated layer one behind the other.
struct GatedLayerMatch {
  let nodes: [Node]
  let positions: [Int]
  /// gate, up and down.
  let weights: [String]
  let kernel: SwiGLUKernel

  init?(at position: Int, in plan: LoweringPlan) throws(LoweringError) {
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
    // The layer gives back as many columns as it takes.
    guard x.shape.columnCount % 128 == 0, hidden % 128 == 0,
      try plan.tensor(nodes[4].outputs[0]).shape.columnCount == x.shape.columnCount
    else { return nil }
    var kernel = SwiGLUKernel(
      tokens: x.rowCount, width: x.shape.columnCount, hidden: hidden, format: x.format)
    let weights = [0, 1, 4].map { nodes[$0].inputs[1] }
    var formats: Set<NumberFormat> = []
    for name in weights {
      guard plan.isAvailable(name) else { return nil }
      formats.insert(try plan.tensor(name).format)
    }
    guard let format = formats.first, formats.count == 1 else { return nil }
    if format != x.format { kernel.narrowWeights = format }
    (self.nodes, positions, self.weights) = (nodes, Array(inner), weights)
    self.kernel = kernel
  }
}
