import KernelLibrary
import ModelGraph
import NumericFormats

/// Softmax and norms over the last axis: a row at a time.
struct RowRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let name = node.inputs.first else { return nil }
    let x = try plan.tensor(name)
    let (rows, columns) = (x.rowCount, x.shape.columnCount)
    let tensors = node.inputs + node.outputs
    let storesAsRead = try plan.tensor(node.outputs[0]).format == x.format
    switch node.operation {
    case .softmax where !storesAsRead, .rmsNormalization where !storesAsRead,
      .layerNormalization where !storesAsRead:
      throw node.refused("its kernel stores rows in the format that they are read in")
    case .softmax:
      do {
        try plan.invoke(
          SoftmaxKernel(rows: rows, columns: columns, format: x.format), tensors, nodes: [node])
      } catch .kernel {
        // Rows that SBUF does not hold whole take several passes.
        try LogSumExp(
          node, AxisRange(outer: rows, reduced: columns, inner: 1), input: x.format
        ).appendShares(
          from: node.inputs[0], to: node.outputs[0], logarithm: false, nodes: [node], &plan)
      }
    case .rmsNormalization(let epsilon):
      try plan.invoke(
        RMSNormKernel(rows: rows, columns: columns, epsilon: Float(epsilon), format: x.format),
        tensors, nodes: [node])
    case .layerNormalization(let epsilon):
      for name in node.inputs.dropFirst() where try plan.tensor(name).format != x.format {
        throw node.refused("its kernel reads scale and bias in the format of the rows")
      }
      try plan.invoke(
        LayerNormKernel(rows: rows, columns: columns, epsilon: Float(epsilon), format: x.format),
        tensors, nodes: [node])
    default: return nil
    }
    return [position]
  }
}

/// A sum of few long rows and the norm of it in one kernel: where parts of several cores were added
/// up, nothing else could take the addition along.
struct ResidualNormRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .add = node.operation, let sum = node.outputs.first,
      let place = plan.readers[sum]?.first(where: { isNorm(plan.graph.nodes[$0], of: sum) }),
      !plan.done[place], case .rmsNormalization(let epsilon) = plan.graph.nodes[place].operation
    else { return nil }
    let norm = plan.graph.nodes[place]
    let (x, addend) = (try plan.tensor(node.inputs[0]), try plan.tensor(node.inputs[1]))
    let total = try plan.tensor(sum)
    var formats = Set([x.format, addend.format, total.format])
    for name in [norm.inputs[1], norm.outputs[0]] { formats.insert(try plan.tensor(name).format) }
    guard x.shape == total.shape, addend.shape == total.shape, formats.count == 1,
      plan.isAvailable(norm.inputs[1])
    else { return nil }
    var kernel = RMSNormKernel(
      rows: total.rowCount, columns: total.shape.columnCount, epsilon: Float(epsilon),
      format: total.format)
    guard kernel.isSpread else { return nil }
    kernel.hasAddend = true
    try plan.invoke(
      kernel, node.inputs + [norm.inputs[1], sum] + norm.outputs, nodes: [node, norm])
    return [position, place]
  }

  private func isNorm(_ node: Node, of name: String) -> Bool {
    guard case .rmsNormalization = node.operation else { return false }
    return node.inputs[0] == name
  }
}

/// Rotary embeddings with cosine and sine tables.
struct RotaryRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .rotaryEmbedding(let rotary) = node.operation else { return nil }
    guard node.inputs.count == 3 else { throw node.refused("needs cosine and sine tables") }
    let x = try plan.tensor(node.inputs[0])
    let table = try plan.tensor(node.inputs[1])
    let lengths = rotary.lengths
    var kernel = RotaryKernel(
      tokens: lengths.batch * lengths.tokens, heads: lengths.heads, size: lengths.channels,
      layout: .rowMajor, format: x.format, table: table.format)
    kernel.tableRows = lengths.tokens
    kernel.turned = rotary.turned
    kernel.isInterleaved = rotary.isInterleaved
    if let (place, other, heads) = try beside(node, at: position, rotary, plan) {
      kernel.otherHeads = heads
      do {
        try plan.invoke(
          kernel, node.inputs + node.outputs + [other.inputs[0]] + other.outputs,
          nodes: [node, other])
        return [position, place]
      } catch .kernel { kernel.otherHeads = 0 }
    }
    try plan.invoke(kernel, node.inputs + node.outputs, nodes: [node])
    return [position]
  }

  /// The next node, where it turns another tensor that is there by the same tables, for few tokens.
  private func beside(
    _ node: Node, at position: Int, _ own: RotaryEmbedding, _ plan: LoweringPlan
  ) throws(LoweringError) -> (position: Int, node: Node, heads: Int)? {
    let place = position + 1
    let lengths = own.lengths
    guard lengths.batch * lengths.tokens <= 128, place < plan.graph.nodes.count, !plan.done[place]
    else { return nil }
    let other = plan.graph.nodes[place]
    guard case .rotaryEmbedding(let rotary) = other.operation,
      rotary.isInterleaved == own.isInterleaved, rotary.turned == own.turned,
      other.inputs.count == 3, Array(other.inputs[1...]) == Array(node.inputs[1...]),
      rotary.lengths.batch == lengths.batch, rotary.lengths.tokens == lengths.tokens,
      rotary.lengths.channels == lengths.channels, plan.isAvailable(other.inputs[0]),
      try plan.tensor(other.inputs[0]).format == plan.tensor(node.inputs[0]).format
    else { return nil }
    return (place, other, rotary.lengths.heads)
  }
}

/// Attention over whole heads.
struct AttentionRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    if case .attentionGradient(let gradient) = node.operation {
      try lower(gradient.attention, node, &plan)
      return [position]
    }
    guard case .attention(let attention) = node.operation else { return nil }
    let layout = attention.queryLayout
    guard layout != .headsTransposed, attention.outputLayout == layout,
      attention.valueLayout == layout,
      attention.keyLayout == layout || attention.keyLayout == .headsTransposed,
      !attention.isCausal
        || attention.queryOffset == attention.key.tokens - attention.query.tokens
    else {
      throw node.refused(
        "takes queries, values and results by tokens or all by heads, keys like them or "
          + "transposed, and the last queries of the sequence")
    }
    var kernel = AttentionKernel(
      queries: attention.query.tokens, keys: attention.key.tokens, heads: attention.query.heads,
      kvHeads: attention.key.heads, size: attention.query.channels,
      isCausal: attention.isCausal, scale: Float(attention.scale), queryLayout: .rowMajor,
      keyLayout: attention.keyLayout == layout ? .rowMajor : .transposed,
      format: try plan.tensor(node.inputs[0]).format)
    kernel.batch = attention.query.batch
    kernel.keepsHeadsApart = layout == .headsTokens
    kernel.take(window: attention.window)
    try plan.invoke(kernel, node.inputs + node.outputs, nodes: [node])
    return [position]
  }
}

/// The gradient of attention, in forms that its operator takes.
extension AttentionRule {
  /// One segment, invoked for each key head of each sequence: tens of heads would be millions of
  /// instructions.
  fileprivate func lower(_ attention: Attention, _ node: Node, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let (query, key) = (attention.query, attention.key)
    let format = try plan.tensor(node.inputs[0]).format
    let group = query.heads / key.heads
    var kernel = AttentionGradientKernel(
      queries: query.tokens, keys: key.tokens, heads: group, kvHeads: 1, size: query.channels,
      isCausal: attention.isCausal, scale: Float(attention.scale), format: format)
    kernel.queryPitch = query.heads * query.channels
    kernel.keyPitch = key.heads * key.channels
    let queries = query.batch * query.tokens * kernel.queryPitch
    let keys = key.batch * key.tokens * kernel.keyPitch
    // Where each parameter's tensor begins in the node's, and whether it is by queries.
    let places: [(name: String, first: Int, byQuery: Bool)] =
      zip(node.inputs, [true, false, false, true, true]).map { ($0, 0, $1) }
      + [(0, true), (queries, false), (queries + keys, false)].map {
        (node.outputs[0], $0.0, $0.1)
      }
    for batch in 0..<query.batch {
      for head in 0..<key.heads {
        let parts = zip(places, kernel.parameters).map { place, parameter in
          let own =
            place.byQuery
            ? batch * query.tokens * kernel.queryPitch + head * group * query.channels
            : batch * key.tokens * kernel.keyPitch + head * key.channels
          return plan.part(
            of: place.name, byteOffset: (place.first + own) * format.sizeBytes,
            sizeBytes: parameter.shape.reduce(1, *) * format.sizeBytes)
        }
        let isLast = batch == query.batch - 1 && head == key.heads - 1
        try plan.invoke(kernel, parts, nodes: isLast ? [node] : [])
      }
    }
  }
}

/// New tokens are written into a cache where it lies.
struct CacheRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .tensorScatter(let scatter) = node.operation else { return nil }
    guard scatter.layout == .tokensHeads || scatter.layout == .headsTransposed else {
      throw node.refused("caches are kept by tokens or transposed")
    }
    plan.alias(node.outputs[0], to: node.inputs[0])
    var kernel = CacheUpdateKernel(
      batch: scatter.cache.batch, tokens: scatter.tokens, position: scatter.position,
      capacity: scatter.cache.tokens, heads: scatter.cache.heads, size: scatter.cache.channels,
      isTransposed: scatter.layout == .headsTransposed,
      format: try plan.tensor(node.outputs[0]).format)
    let operands = [node.inputs[1], node.outputs[0]]
    guard let (place, other, layout) = try beside(scatter, kernel.format, at: position, plan) else {
      try plan.invoke(kernel, operands, nodes: [node])
      return [position]
    }
    plan.alias(other.outputs[0], to: other.inputs[0])
    kernel.otherIsTransposed = layout == .headsTransposed
    try plan.invoke(
      kernel, operands + [other.inputs[1], other.outputs[0]], nodes: [node, other])
    return [position, place]
  }

  /// The next node, where it writes what is there into another cache of the same lengths.
  private func beside(
    _ scatter: TensorScatter, _ format: NumberFormat, at position: Int, _ plan: LoweringPlan
  ) throws(LoweringError) -> (position: Int, node: Node, layout: HeadLayout)? {
    let place = position + 1
    guard scatter.cache.batch * scatter.tokens <= 128, place < plan.graph.nodes.count,
      !plan.done[place]
    else { return nil }
    let other = plan.graph.nodes[place]
    guard case .tensorScatter(let next) = other.operation,
      next.layout == .tokensHeads || next.layout == .headsTransposed,
      next.cache == scatter.cache, next.tokens == scatter.tokens,
      next.position == scatter.position, other.inputs[0] != plan.graph.nodes[position].inputs[0],
      plan.isAvailable(other.inputs[1]), plan.isAvailable(other.inputs[0]),
      try plan.tensor(other.outputs[0]).format == format
    else { return nil }
    return (place, other, next.layout)
  }
}
