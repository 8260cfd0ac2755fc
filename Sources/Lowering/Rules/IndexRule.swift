import InstructionSet
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
    case .tupleGather(let gather): try tuples(node, gather, &plan)
    case .elementGather(let gather): try elements(node, axis: gather.axis, &plan)
    case .scatter(let scatter): try self.scatter(node, scatter, &plan)
    default: return nil
    }
    return [position]
  }

  /// Slices of an axis: rows of tables behind each other.
  private func rows(_ node: Node, axis: Int, _ plan: inout LoweringPlan) throws(LoweringError) {
    let table = try plan.tensor(node.inputs[0])
    let index = try plan.tensor(node.inputs[1])
    let range = AxisRange(table.shape, axis: axis)
    let count = index.shape.elementCount
    if range.outer == 1, index.format == .uint32 || isCounted(index) {
      try plan.invoke(
        EmbeddingKernel(
          count: count, rows: range.reduced, columns: range.inner, format: table.format),
        [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
      return
    }
    try requireIndices(index, of: node)
    try plan.invoke(
      IndexedRowsKernel(
        count: count, lengths: [range.reduced], columns: range.inner, blocks: range.outer,
        format: table.format), [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
  }

  /// Numbers that are known to be at least 0.
  private func isCounted(_ index: TensorDeclaration) -> Bool {
    if case .indices = index.fill { index.format.sizeBytes == 4 } else { false }
  }

  /// Kernels read indices of four bytes.
  private func requireIndices(_ index: TensorDeclaration, of node: Node) throws(LoweringError) {
    guard index.format == .int32 || index.format == .uint32 else {
      throw node.refused("indices of \(index.format.name); kernels read int32")
    }
  }

  private func tuples(_ node: Node, _ gather: TupleGather, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let table = try plan.tensor(node.inputs[0])
    let index = try plan.tensor(node.inputs[1])
    try requireIndices(index, of: node)
    guard gather.batchAxes == 0 else { throw node.refused("batch axes are not looked up yet") }
    let numbers = index.shape.columnCount
    try plan.invoke(
      IndexedRowsKernel(
        count: index.shape.elementCount / max(1, numbers),
        lengths: Array(table.shape.dimensions.prefix(numbers)),
        columns: table.shape.dimensions.dropFirst(numbers).reduce(1, *), format: table.format),
      [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
  }

  private func elements(_ node: Node, axis: Int, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let data = try plan.tensor(node.inputs[0])
    let index = try plan.tensor(node.inputs[1])
    try requireIndices(index, of: node)
    try plan.invoke(
      IndexedElementsKernel(
        shape: index.shape.dimensions, data: data.shape.dimensions,
        axis: data.shape.axis(axis), format: data.format),
      [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
  }

  /// How updates meet what stands there; nil where they are written over it.
  private func meeting(_ node: Node, _ scatter: Scatter, _ data: TensorDeclaration)
    throws(LoweringError) -> ALUOperation?
  {
    let operation: ALUOperation
    switch scatter.reduction {
    case .none: return nil
    case .add: operation = .add
    case .multiply: operation = .multiply
    case .maximum: operation = .max
    case .minimum: operation = .min
    }
    guard data.format == .float32, scatter.axis == nil, data.shape.rank == 2 else {
      throw node.refused(
        "updates of \(data.format.name) that meet what stands there by "
          + "\(scatter.reduction.rawValue); engines compute in fp32")
    }
    return operation
  }

  /// A copy of the data, then the updates in the order of their indices.
  private func scatter(_ node: Node, _ scatter: Scatter, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let data = try plan.tensor(node.inputs[0])
    let index = try plan.tensor(node.inputs[1])
    try requireIndices(index, of: node)
    let meeting = try meeting(node, scatter, data)
    let operand = MoveKernel.Operand(count: data.shape.elementCount, format: data.format)
    try plan.invoke(
      MoveKernel(
        "copy", inputs: [operand], outputs: [operand],
        pieces: [.init(.input(0), sizes: [operand.count], from: [1], to: [1])]),
      [node.inputs[0], node.outputs[0]], nodes: [])
    let tensors = [node.inputs[1], node.inputs[2], node.outputs[0]]
    if let meeting {
      try plan.invoke(
        ScatterReduceKernel(
          count: index.shape.elementCount, rows: data.shape[0], columns: data.shape[1], meeting),
        tensors, nodes: [node])
    } else if let axis = scatter.axis {
      try plan.invoke(
        IndexedElementsKernel(
          shape: index.shape.dimensions, data: data.shape.dimensions,
          axis: data.shape.axis(axis), format: data.format, isScatter: true),
        tensors, nodes: [node])
    } else {
      let numbers = index.shape.columnCount
      try plan.invoke(
        IndexedRowsKernel(
          count: index.shape.elementCount / max(1, numbers),
          lengths: Array(data.shape.dimensions.prefix(numbers)),
          columns: data.shape.dimensions.dropFirst(numbers).reduce(1, *), format: data.format,
          isScatter: true), tensors, nodes: [node])
    }
  }
}
