import NumericFormats

/// Attention head by head, and the rotary embedding before it.
extension ReverseMode {
  /// Operands of two bytes have an operator of their own, which never stores the scores. Otherwise,
  /// with P the softmax of S = scale·Q·Kᵀ + mask: dV = Pᵀ·dO, dP = dO·Vᵀ,
  /// dS = P·(dP − Σ dP·P), dQ = scale·dS·K, dK = scale·dSᵀ·Q; heads that share keys add up.
  mutating func attention(_ attention: Attention, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let inputs = node.inputs
    if AttentionGradient.takes(attention), format(of: inputs[0])?.sizeBytes == 2 {
      return try fusedAttention(AttentionGradient(attention), node, gradient)
    }
    let (query, key) = (attention.query, attention.key)
    let q = try heads(inputs[0], query, attention.queryLayout, groups: attention)
    let k = try heads(inputs[1], key, attention.keyLayout, groups: attention)
    let v = try heads(inputs[2], key, attention.valueLayout, groups: attention)
    let slope = try heads(gradient, query, attention.outputLayout, groups: attention)
    let plain = try made(.batchMatMul(BatchMatMul(transposeB: true)), q, k)
    var scores = try element(.multiply, plain, constant(attention.scale))
    if attention.isCausal || attention.window != nil {
      scores = try element(.add, scores, mask(attention))
    }
    let p = try made(.softmax, scores)
    let dP = try made(.batchMatMul(BatchMatMul(transposeB: true)), slope, v)
    let dS = try element(.multiply, softmax(p, dP), constant(attention.scale))
    let dQ = try made(.batchMatMul(BatchMatMul()), dS, k)
    let dK = try made(.batchMatMul(BatchMatMul(transposeA: true)), dS, q)
    let dV = try made(.batchMatMul(BatchMatMul(transposeA: true)), p, slope)
    try contribute(stored(dQ, query, attention.queryLayout, groups: attention), to: inputs[0])
    try contribute(stored(dK, key, attention.keyLayout, groups: attention), to: inputs[1])
    try contribute(stored(dV, key, attention.valueLayout, groups: attention), to: inputs[2])
  }

  /// ONNX's attention where it is one without masks, a past or a cap: Q, K and V have the same
  /// places in both.
  mutating func maskedAttention(
    _ attention: MaskedAttention, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    guard let plain = try plain(attention, node) else {
      throw missingRule(node, "only the form without masks, past, cap or two-sided window has one")
    }
    try self.attention(plain, node, gradient)
  }

  /// The form without masks, past, cap or two-sided window; nil for others.
  private func plain(_ attention: MaskedAttention, _ node: Node) throws(GraphError) -> Attention? {
    guard node.inputs.dropFirst(3).allSatisfy(\.isEmpty) else { return nil }
    let types = node.inputs.prefix(3).map { name in
      builder.graph.tensor(name).map { TensorType($0.shape, $0.type) }
    }
    let n = try attention.lengths(Operands(types, of: attention, node: node.name))
    return attention.plain(n, hasFourAxes: shape(node.inputs[0]).rank == 4)
  }

  /// False for operators whose derivative is that of what they are written as.
  func hasRule(_ node: Node) -> Bool {
    switch node.operation {
    case .recurrent, .linearAttention, .causalConvolution, .gridSample, .localResponse, .resample,
      .resize, .windowNorm, .tableRotary, .expertLayer, .pointwiseAttention,
      .neighbourAttention, .indexedMaxPool, .cacheScatter:
      false
    case .maskedAttention(let attention): (try? plain(attention, node)) ?? nil != nil
    default: true
    }
  }

  /// One operator makes all three gradients, which are views of its result.
  private mutating func fusedAttention(
    _ family: AttentionGradient, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    let (q, k, v) = (node.inputs[0], node.inputs[1], node.inputs[2])
    let format = format(of: q)
    let all = try made(
      .attentionGradient(family), q, k, v, node.outputs[0], gradient, format: format)
    var start = 0
    for (target, count) in [
      (q, family.queryCount), (k, family.keyCount), (v, family.keyCount),
    ] {
      let part = try made(.slice(start: start, count: count), all, format: format)
      try contribute(reshaped(part, to: shape(target)), to: target)
      start += count
    }
  }

  /// 0 where a query sees a key, and −30,000, whose exponential is 0, where not.
  private mutating func mask(_ attention: Attention) throws(GraphError) -> String {
    let (rows, columns) = (attention.query.tokens, attention.key.tokens)
    var values = [Double](repeating: -30_000, count: rows * columns)
    for row in 0..<rows {
      let first = attention.firstVisibleKey(queryToken: row)
      for column in first..<max(first, attention.visibleKeys(queryToken: row)) {
        values[row * columns + column] = 0
      }
    }
    return try table(values, [rows, columns])
  }

  /// `[batch, key heads, heads of a group or 1, tokens, channels]`.
  private mutating func heads(
    _ name: String, _ lengths: HeadDimensions, _ layout: HeadLayout, groups: Attention
  ) throws(GraphError) -> String {
    let group = lengths.heads / groups.key.heads
    let batch = [lengths.batch, groups.key.heads, group]
    switch layout {
    case .tokensHeads:
      let split: TensorShape = [
        lengths.batch, lengths.tokens, groups.key.heads, group, lengths.channels,
      ]
      return try made(.transpose(permutation: [0, 2, 3, 1, 4]), reshaped(name, to: split))
    case .headsTokens:
      return try reshaped(name, to: TensorShape(batch + [lengths.tokens, lengths.channels]))
    case .headsTransposed:
      let split = try reshaped(name, to: TensorShape(batch + [lengths.channels, lengths.tokens]))
      return try made(.transpose(permutation: [0, 1, 2, 4, 3]), split)
    }
  }

  /// The way back to how a tensor is stored, heads of a group added up where they share keys.
  private mutating func stored(
    _ name: String, _ lengths: HeadDimensions, _ layout: HeadLayout, groups: Attention
  ) throws(GraphError) -> String {
    let group = lengths.heads / groups.key.heads
    let wide: TensorShape = [
      lengths.batch, groups.key.heads, group, lengths.tokens, lengths.channels,
    ]
    let summed = try unbroadcast(name, to: wide, for: name)
    let moved =
      switch layout {
      case .tokensHeads: try made(.transpose(permutation: [0, 3, 1, 2, 4]), summed)
      case .headsTokens: summed
      case .headsTransposed: try made(.transpose(permutation: [0, 1, 2, 4, 3]), summed)
      }
    return try reshaped(moved, to: layout.shape(lengths))
  }

  /// Turns back by the same angles: the tables' sines change their sign.
  mutating func rotary(_ rotary: RotaryEmbedding, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    guard node.inputs.count == 3 else {
      throw missingRule(node, "only the form with tables of cosines and sines has a rule")
    }
    let sine = try element(.negate, node.inputs[2], format: .float32)
    var back = rotary
    back.angles = nil
    try contribute(made(.rotaryEmbedding(back), gradient, node.inputs[1], sine), to: node.inputs[0])
  }
}
