/// Operators that read or write where indices say.
extension ReverseMode {
  mutating func indexed(_ node: Node, _ gradient: String) throws(GraphError) {
    let x = node.inputs[0]
    switch node.operation {
    case .axisGather(let gather): try axisGather(gather, node, gradient)
    case .elementGather(let gather):
      try collect(gradient, node.inputs[1], along: gather.axis, in: x)
    case .tupleGather(let gather):
      guard gather.batchAxes == 0 else { throw missingRule(node, "shared axes have no rule") }
      try collect(gradient, node.inputs[1], along: nil, in: x)
    case .topK(let choice):
      guard node.outputs.count > 1, !node.outputs[1].isEmpty else {
        throw missingRule(node, "only with its indices it has a rule")
      }
      try collect(gradient, node.outputs[1], along: choice.axis, in: x)
    case .scatter(let scatter): try scattered(scatter, node, gradient)
    default: throw missingRule(node)
    }
  }

  /// Adds each part of a gradient to the element that its index names.
  private mutating func collect(
    _ gradient: String, _ indices: String, along axis: Int?, in x: String
  ) throws(GraphError) {
    let none = try made(.expand(Expand(to: shape(x))), constant(0))
    try contribute(
      made(.scatter(Scatter(axis: axis, reduction: .add)), none, indices, gradient), to: x)
  }

  /// Slices of an axis, as rows of a table: a product with the matrix that has a one where an index
  /// names a row.
  private mutating func axisGather(_ gather: AxisGather, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (x, indices) = (node.inputs[0], node.inputs[1])
    let (given, named) = (shape(x), shape(indices))
    let axis = gather.axis < 0 ? gather.axis + given.rank : gather.axis
    let (rows, count) = (given[axis], named.elementCount)
    let others = given.dimensions.prefix(axis) + given.dimensions.dropFirst(axis + 1)
    // The indices' axes come first.
    let moved = try made(
      .transpose(
        permutation: Array(axis..<axis + named.rank) + Array(0..<axis)
          + Array(axis + named.rank..<shape(gradient).rank)), gradient)
    let slope = try reshaped(moved, to: [count, others.reduce(1, *)])
    let type = builder.graph.tensor(indices)?.type ?? .int32
    let column = try reshaped(indices, to: [count, 1])
    // A row has two names: one from the front and one from the back.
    let fromFront = try element(
      .equal, column, table((0..<rows).map(Double.init), [1, rows], type: type))
    let fromBack = try element(
      .equal, column, table((0..<rows).map { Double($0 - rows) }, [1, rows], type: type))
    let chosen = try element(
      .select, element(.or, fromFront, fromBack), constant(1), constant(0))
    let summed = try made(
      .matMul(transposeA: true, transposeB: false), chosen, slope, format: gradientFormat(x))
    let apart = try reshaped(summed, to: TensorShape([rows] + others))
    let back = Array(1..<axis + 1) + [0] + Array(axis + 1..<given.rank)
    try contribute(made(.transpose(permutation: back), apart), to: x)
  }

  /// Updates get what stands at their places; the data keeps the rest, and all of it where updates
  /// are added. Places that several updates name have a rule only for sums.
  private mutating func scattered(_ scatter: Scatter, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (x, indices, updates) = (node.inputs[0], node.inputs[1], node.inputs[2])
    guard scatter.reduction == .none || scatter.reduction == .add else {
      throw missingRule(node, "only writes and sums have a rule")
    }
    if isActive(x) {
      var kept = gradient
      if scatter.reduction == .none {
        let none = try made(.expand(Expand(to: shape(updates))), constant(0))
        kept = try made(.scatter(Scatter(axis: scatter.axis)), gradient, indices, none)
      }
      try contribute(kept, to: x)
    }
    guard isActive(updates) else { return }
    let read: Operator =
      scatter.axis.map { .elementGather(ElementGather(axis: $0)) } ?? .tupleGather(TupleGather())
    try contribute(made(read, gradient, indices), to: updates)
  }
}
