import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

extension LoweringPlan {
  /// Lowers a product and what its kernel takes along: a gated feed-forward part, a bias, a
  /// residual.
  mutating func product(at position: Int) throws(LoweringError) -> Int {
    if let count = try gated(at: position) { return count }
    let node = graph.nodes[position]
    guard case .matMul(let transposeA, let transposeB) = node.operation else { return 0 }
    let a = try tensor(node.inputs[0])
    let b = try tensor(node.inputs[1])
    let (rows, depth) =
      transposeA ? (a.shape.columnCount, a.rowCount) : (a.rowCount, a.shape.columnCount)
    var kernel = MatmulKernel(
      m: rows, k: depth, n: transposeB ? b.rowCount : b.shape.columnCount, input: a.format,
      output: try tensor(node.outputs[0]).format,
      lhs: transposeA ? .contractionRows : .contractionColumns,
      rhs: transposeB ? .contractionColumns : .contractionRows,
      variant: try variant(node))
    // Our choice: what the published program's compiler buffered is not known. With two buffers the
    // latency of each load shows and the product takes 13.8 ms instead of 7.8.
    kernel.reloadBuffers = 8
    guard let (next, other) = try epilogue(after: position) else {
      try invoke(kernel, node.inputs + node.outputs, nodes: [node])
      return 1
    }
    let operand = try tensor(other)
    let output = try tensor(next.outputs[0])
    kernel.output = output.format
    if operand.shape == output.shape {
      kernel.hasResidual = true
    } else {
      kernel.bias = .perColumn
    }
    try invoke(kernel, node.inputs + [other] + next.outputs, nodes: [node, next])
    return 2
  }

  private func variant(_ node: Node) throws(LoweringError) -> MatmulKernel.Variant {
    switch node.hints.variant {
    case nil, "blocked": return .blocked
    case "v0", "reload": return .reload
    // Four rows of tiles: the published traffic of about 0.33 GB.
    case "v1", "row-resident": return .rowResident(rowTiles: 4)
    case .some(let name):
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "there is no variant '\(name)'; variants are blocked, v0 and v1")
    }
  }

  /// The addition right after a product that its kernel can take along, and the other operand: a
  /// bias of one fp32 value per column, or a residual of the product's shape and format.
  private func epilogue(after position: Int) throws(LoweringError) -> (Node, String)? {
    let node = graph.nodes[position]
    guard position + 1 < graph.nodes.count, uses[node.outputs[0]] == 1 else { return nil }
    let next = graph.nodes[position + 1]
    guard case .add = next.operation, next.inputs.contains(node.outputs[0]),
      try tensor(node.outputs[0]).role == .intermediate,
      let other = next.inputs.first(where: { $0 != node.outputs[0] })
    else { return nil }
    let output = try tensor(next.outputs[0])
    let operand = try tensor(other)
    let isBias =
      operand.shape.dimensions == [output.shape.columnCount] && operand.format == .float32
    let isResidual = operand.shape == output.shape && operand.format == output.format
    return isBias || isResidual ? (next, other) : nil
  }

  /// gate, up, silu, multiply, down and the residual in one kernel; nil when the nodes are others.
  private mutating func gated(at position: Int) throws(LoweringError) -> Int? {
    let nodes = Array(graph.nodes[position...].prefix(6))
    guard nodes.count >= 5, nodes[0].hints.fusion == "gated",
      case .matMul(false, false) = nodes[0].operation,
      case .matMul(false, false) = nodes[1].operation, case .silu = nodes[2].operation,
      case .multiply = nodes[3].operation, case .matMul(false, false) = nodes[4].operation,
      nodes[1].inputs[0] == nodes[0].inputs[0], nodes[2].inputs == nodes[0].outputs,
      nodes[3].inputs == nodes[2].outputs + nodes[1].outputs,
      nodes[4].inputs[0] == nodes[3].outputs[0]
    else { return nil }
    let x = try tensor(nodes[0].inputs[0])
    let hidden = try tensor(nodes[0].outputs[0]).shape.columnCount
    guard x.shape.columnCount % 128 == 0, hidden % 128 == 0 else { return nil }
    var kernel = SwiGLUKernel(
      tokens: x.rowCount, width: x.shape.columnCount, hidden: hidden, format: x.format)
    let weights = [nodes[0].inputs[1], nodes[1].inputs[1], nodes[4].inputs[1]]
    if let (next, other) = try epilogue(after: position + 4),
      try tensor(other).shape == tensor(next.outputs[0]).shape
    {
      kernel.hasResidual = true
      try invoke(
        kernel, [x.name] + weights + [other] + next.outputs, nodes: Array(nodes.prefix(6)))
      return 6
    }
    try invoke(kernel, [x.name] + weights + nodes[4].outputs, nodes: Array(nodes.prefix(5)))
    return 5
  }
}
