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
