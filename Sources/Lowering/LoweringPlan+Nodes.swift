import KernelLibrary
import ModelGraph
import NumericFormats

extension LoweringPlan {
  /// Lowers the node at a position, with those after it that its kernel takes along; returns how
  /// many nodes are done.
  mutating func lower(at position: Int) throws(LoweringError) -> Int {
    let node = graph.nodes[position]
    switch node.operation {
    case .matMul: return try product(at: position)
    case .softmax:
      let x = try tensor(node.inputs[0])
      try invoke(
        SoftmaxKernel(rows: x.rowCount, columns: x.shape.columnCount, format: x.format),
        node.inputs + node.outputs, nodes: [node])
    case .rmsNormalization(let epsilon):
      let x = try tensor(node.inputs[0])
      try invoke(
        RMSNormKernel(
          rows: x.rowCount, columns: x.shape.columnCount, epsilon: Float(epsilon),
          format: x.format), node.inputs + node.outputs, nodes: [node])
    case .layerNormalization(let epsilon):
      let x = try tensor(node.inputs[0])
      try invoke(
        LayerNormKernel(
          rows: x.rowCount, columns: x.shape.columnCount, epsilon: Float(epsilon),
          format: x.format), node.inputs + node.outputs, nodes: [node])
    case .rotaryEmbedding(let rotary): try self.rotary(rotary, node)
    case .attention(let attention): try self.attention(attention, node)
    case .softmaxCrossEntropyLoss: return try crossEntropy(at: position)
    case .convolution(let convolution):
      return try self.convolution(convolution, at: position)
    case .channelNormalization(let normalization):
      return try channelNormalization(normalization, at: position)
    case .transposedConvolution(let convolution):
      try transposedConvolution(convolution, node)
    case .pool(let pooling): try pool(pooling, node)
    case .resize(let resize): try self.resize(resize, node)
    case .embeddingBag(let bag): try embeddingBag(bag, node)
    case .stencil(let stencil): try self.stencil(stencil, node)
    case .pointwiseAttention(let attention): try pointwiseAttention(attention, node)
    case .neighbourForce(let force): try neighbourForce(force, node)
    case .fourierTransform: try fourierTransform(node)
    default: try elements(node)
    }
    return 1
  }

  /// Nodes that look at each element by itself, or only move elements.
  private mutating func elements(_ node: Node) throws(LoweringError) {
    let first = try tensor(node.inputs[0])
    let output = try tensor(node.outputs[0])
    switch node.operation {
    case .add: try elementwise(node, .add)
    case .multiply: try elementwise(node, .multiply)
    case .silu: try elementwise(node, .silu)
    case .relu: try elementwise(node, .relu)
    case .copy: try elementwise(node, .cast)
    case .reluGradient:
      // The kernel takes the input that decides first, the gradient second.
      try elementwise(node, .reluGradient, order: [1, 0])
    case .gather:
      let index = try tensor(node.inputs[1])
      try invoke(
        EmbeddingKernel(
          count: index.shape.elementCount, rows: first.rowCount,
          columns: first.shape.columnCount, format: first.format),
        [node.inputs[1], node.inputs[0], node.outputs[0]], nodes: [node])
    case .slice(let start, _):
      let row = first.sizeBytes / max(1, first.shape.dimensions[0])
      alias(node.outputs[0], to: node.inputs[0], byteOffset: start * row)
    case .reduceSum:
      try invoke(
        BiasGradientKernel(
          rows: first.rowCount, columns: first.shape.columnCount, format: first.format),
        node.inputs + node.outputs, nodes: [node])
    case .gradientDescent(let rate): try descent(node, rate)
    case .tensorScatter(let scatter): try cache(scatter, node, output)
    default:
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "the kernel library has nothing for it yet")
    }
  }

  private mutating func elementwise(
    _ node: Node, _ operation: ElementwiseKernel.Operation, order: [Int]? = nil
  ) throws(LoweringError) {
    let output = try tensor(node.outputs[0])
    let inputs = (order ?? Array(node.inputs.indices)).map { node.inputs[$0] }
    var format: NumberFormat?
    for name in inputs {
      let input = try tensor(name)
      guard input.shape == output.shape, format == nil || input.format == format else {
        throw .unsupported(
          node: node.name, operation: node.operation.name,
          reason: "operands of different shapes or formats; only biases after a product")
      }
      format = input.format
    }
    try invoke(
      ElementwiseKernel(
        count: output.shape.elementCount, operation, input: format ?? output.format,
        output: output.format), inputs + node.outputs, nodes: [node])
  }

  private mutating func rotary(_ rotary: RotaryEmbedding, _ node: Node) throws(LoweringError) {
    guard node.inputs.count == 3, !rotary.isInterleaved else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "needs cosine and sine tables and the half-rotation form")
    }
    let x = try tensor(node.inputs[0])
    let table = try tensor(node.inputs[1])
    let lengths = rotary.lengths
    var kernel = RotaryKernel(
      tokens: lengths.batch * lengths.tokens, heads: lengths.heads, size: lengths.channels,
      layout: .rowMajor, format: x.format, table: table.format)
    kernel.tableRows = lengths.tokens
    try invoke(kernel, node.inputs + node.outputs, nodes: [node])
  }

  private mutating func attention(_ attention: Attention, _ node: Node) throws(LoweringError) {
    guard attention.queryLayout == .tokensHeads, attention.outputLayout == .tokensHeads,
      attention.valueLayout == .tokensHeads,
      attention.keyLayout == .tokensHeads || attention.keyLayout == .headsTransposed,
      !attention.isCausal
        || attention.queryOffset == attention.key.tokens - attention.query.tokens
    else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "takes queries, values and results by tokens, keys by tokens or transposed, and "
          + "the last queries of the sequence")
    }
    var kernel = AttentionKernel(
      queries: attention.query.tokens, keys: attention.key.tokens, heads: attention.query.heads,
      kvHeads: attention.key.heads, size: attention.query.channels,
      isCausal: attention.isCausal, scale: Float(attention.scale), queryLayout: .rowMajor,
      keyLayout: attention.keyLayout == .tokensHeads ? .rowMajor : .transposed,
      format: try tensor(node.inputs[0]).format)
    kernel.batch = attention.query.batch
    try invoke(kernel, node.inputs + node.outputs, nodes: [node])
  }

  /// Loss and gradient of one pair of logits and labels come from one kernel.
  private mutating func crossEntropy(at position: Int) throws(LoweringError) -> Int {
    let node = graph.nodes[position]
    let next = position + 1 < graph.nodes.count ? graph.nodes[position + 1] : node
    guard case .softmaxCrossEntropyGradient = next.operation, next.inputs == node.inputs else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "the kernel makes loss and gradient together; ask for the gradient next")
    }
    let logits = try tensor(node.inputs[0])
    try invoke(
      CrossEntropyKernel(
        rows: logits.rowCount, classes: logits.shape.columnCount, format: logits.format,
        gradient: try tensor(next.outputs[0]).format),
      node.inputs + node.outputs + next.outputs, nodes: [node, next])
    return 2
  }

  /// The kernel works in place; a check needs the weights as they were, so they are copied first.
  private mutating func descent(_ node: Node, _ rate: Double) throws(LoweringError) {
    let weights = try tensor(node.inputs[0])
    let count = weights.shape.elementCount
    if keepsIntermediates {
      try invoke(
        ElementwiseKernel(count: count, .cast, input: weights.format),
        [node.inputs[0], node.outputs[0]], nodes: [])
    } else {
      alias(node.outputs[0], to: node.inputs[0])
    }
    let unused = scratch(
      "unused weights", sizeBytes: max(count * 4, 1 << 20), format: .float32)
    try invoke(
      SGDKernel(
        count: count, rate: Float(rate), gradient: try tensor(node.inputs[1]).format,
        weights: .float32), [node.outputs[0], node.inputs[1], unused], nodes: [node])
  }

  /// New tokens are written into the cache where it lies.
  private mutating func cache(
    _ scatter: TensorScatter, _ node: Node, _ output: TensorDeclaration
  ) throws(LoweringError) {
    alias(node.outputs[0], to: node.inputs[0])
    guard scatter.layout == .tokensHeads || scatter.layout == .headsTransposed else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "caches are kept by tokens or transposed")
    }
    try invoke(
      CacheUpdateKernel(
        batch: scatter.cache.batch, tokens: scatter.tokens, position: scatter.position,
        capacity: scatter.cache.tokens, heads: scatter.cache.heads, size: scatter.cache.channels,
        isTransposed: scatter.layout == .headsTransposed, format: output.format),
      [node.inputs[1], node.outputs[0]], nodes: [node])
  }
}

extension TensorDeclaration {
  /// All axes but the last merged.
  var rowCount: Int { shape.elementCount / max(1, shape.columnCount) }
}
