import KernelLibrary
import ModelGraph
import NumericFormats

extension LoweringPlan {
  /// Embedding bags of all tables in one kernel.
  mutating func embeddingBag(_ operation: EmbeddingBag, _ node: Node) throws(LoweringError) {
    let index = try tensor(node.inputs[0])
    guard index.format == .uint32 || index.format == .int32 else {
      throw .unsupported(
        node: node.name, operation: node.operation.name, reason: "indices of 32 bits")
    }
    var tables: [EmbeddingBagKernel.Table] = []
    for (number, length) in operation.lengths.enumerated() {
      tables.append(
        .init(rows: try tensor(node.inputs[number + 1]).shape[0], length: length))
    }
    let first = try tensor(node.inputs[1])
    var kernel = EmbeddingBagKernel(
      bags: index.shape[0], tables: tables, columns: operation.width ?? first.shape.columnCount,
      format: first.format)
    kernel.rowLength = first.shape.columnCount
    kernel.output = try tensor(node.outputs[0]).format
    kernel.hasLeading = operation.hasLeading
    kernel.isRagged = operation.isRagged
    try invoke(kernel, node.inputs + node.outputs, nodes: [node])
  }

  /// A step of a stencil.
  mutating func stencil(_ operation: Stencil, _ node: Node) throws(LoweringError) {
    let x = try tensor(node.inputs[0])
    try invoke(
      StencilKernel(
        planes: x.shape[0], rows: x.shape[1], columns: x.shape[2],
        centre: Float(operation.centre), neighbour: Float(operation.neighbour),
        format: x.format), node.inputs + node.outputs, nodes: [node])
  }

  /// Fourier transforms in two steps, whose factors the graph carries.
  mutating func fourierTransform(_ node: Node) throws(LoweringError) {
    let x = try tensor(node.inputs[0])
    let (first, second) = FourierTransform.factors(x.shape[2])
    guard node.inputs.count == 4, first <= 128 else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "needs tables of factors, and a length of two factors of at most 128")
    }
    try invoke(
      FourierKernel(batch: x.shape[1], first: first, second: second, format: x.format),
      node.inputs + node.outputs, nodes: [node])
  }

  /// Attention without a softmax.
  mutating func pointwiseAttention(_ operation: PointwiseAttention, _ node: Node)
    throws(LoweringError)
  {
    let value = try tensor(node.inputs[2])
    let lengths = operation.lengths
    try invoke(
      PointwiseAttentionKernel(
        batch: lengths.batch, tokens: lengths.tokens, heads: lengths.heads,
        size: lengths.channels, width: value.shape.columnCount / lengths.heads,
        isCausal: operation.isCausal, scale: Float(operation.scale), format: value.format),
      node.inputs + node.outputs, nodes: [node])
  }

  /// Attention over sampled neighbours.
  mutating func neighbourAttention(_ operation: NeighbourAttention, _ node: Node)
    throws(LoweringError)
  {
    let sources = try tensor(node.inputs[0])
    let targets = try tensor(node.inputs[1])
    let neighbours = try tensor(node.inputs[2])
    let output = try tensor(node.outputs[0])
    guard sources.format == targets.format, sources.format == output.format,
      sources.format.sizeBytes > 1, !sources.format.isInteger, neighbours.format == .uint32
    else {
      throw node.refused("one real format of two bytes or more, and neighbours in uint32")
    }
    let size = (sources.shape[1] - operation.heads) / operation.heads
    var kernel = NeighbourAttentionKernel(
      nodes: neighbours.shape[0], rows: sources.shape[0], places: neighbours.shape[1],
      heads: operation.heads, size: size, format: sources.format)
    kernel.targetColumns = targets.shape[1]
    kernel.firstScore = operation.firstScore
    kernel.slope = Float(operation.slope)
    kernel.isRagged = operation.isRagged
    try invoke(kernel, node.inputs + node.outputs, nodes: [node])
  }

  /// Forces over neighbour lists.
  mutating func neighbourForce(_ operation: NeighbourForce, _ node: Node) throws(LoweringError) {
    let neighbours = try tensor(node.inputs[1])
    guard try tensor(node.inputs[0]).format == .float32, neighbours.format == .uint32 else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "positions in fp32 and neighbours in uint32")
    }
    try invoke(
      NeighbourForceKernel(
        particles: neighbours.shape[0], places: neighbours.shape[1],
        epsilon: Float(operation.epsilon), sigma: Float(operation.sigma),
        cutoff: Float(operation.cutoff)), node.inputs + node.outputs, nodes: [node])
  }
}
