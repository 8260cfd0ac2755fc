import KernelLibrary
import ModelGraph
import NumericFormats

/// Elements and rows that indices choose.
struct IndexRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .gather: try rows(node, axis: 0, &plan)
    case .axisGather(let gather): try rows(node, axis: gather.axis, &plan)
    default: return nil
    }
    return [position]
  }

  /// Slices of an axis: rows of tables behind each other.
  private func rows(_ node: Node, axis: Int, _ plan: inout LoweringPlan) throws(LoweringError) {
    let table = try plan.tensor(node.inputs[0])
    let index = try plan.tensor(node.inputs[1])
    let axis = axis < 0 ? axis + table.shape.rank : axis
    let columns = table.shape.dimensions.dropFirst(axis + 1).reduce(1, *)
    let blocks = table.shape.dimensions.prefix(axis).reduce(1, *)
    let count = index.shape.elementCount
    if blocks == 1, index.format == .uint32 || isCounted(index) {
      try plan.invoke(
        EmbeddingKernel(
          count: count, rows: table.shape[axis], columns: columns, format: table.format),
        [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
      return
    }
    try plan.requireIndices(index, of: node)
    try plan.invoke(
      IndexedRowsKernel(
        count: count, lengths: [table.shape[axis]], columns: columns, blocks: blocks,
        format: table.format), [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
  }

  /// Numbers that are known to be at least 0.
  private func isCounted(_ index: TensorDeclaration) -> Bool {
    if case .indices = index.fill { index.format.sizeBytes == 4 } else { false }
  }
}

extension LoweringPlan {
  /// Kernels read indices of four bytes.
  func requireIndices(_ index: TensorDeclaration, of node: Node) throws(LoweringError) {
    guard index.format == .int32 || index.format == .uint32 else {
      throw node.refused("indices of \(index.format.name); kernels read int32")
    }
  }
}
