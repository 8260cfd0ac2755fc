import ModelGraph

extension MaskedAttention {
  /// Attention as products of matrices, a softmax of rows and what a mask adds between them.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    if try expandPlain(&expansion) { return }
    var writer = try MaskedAttentionWriter(self, &expansion)
    try writer.write(&expansion)
  }
}

/// The nodes of one attention. Tensors of heads are `[batch, heads, tokens, channels]`.
private struct MaskedAttentionWriter {
  private let attention: MaskedAttention
  private let n: MaskedAttention.Lengths
  private let isWide: Bool
  private let mask: String?
  /// The count of keys of each sequence that are no padding, `[batch, 1, 1, 1]`.
  private let valid: String?

  init(_ attention: MaskedAttention, _ expansion: inout NodeExpansion) throws(GraphError) {
    self.attention = attention
    var types: [TensorType?] = []
    for place in expansion.node.inputs.indices {
      types.append(
        expansion.input(place).map { TensorType(expansion.shape($0), expansion.type($0)) })
    }
    n = try attention.lengths(Operands(types, of: attention, node: expansion.node.name))
    isWide = expansion.shape(expansion.node.inputs[0]).rank == 4
    mask = expansion.input(3)
    let batch = n.batch
    valid = try expansion.input(6).map { (name) throws(GraphError) in
      try expansion.reshape(name, [batch, 1, 1, 1])
    }
  }

  mutating func write(_ expansion: inout NodeExpansion) throws(GraphError) {
    let names = expansion.node.inputs
    let query = try heads(names[0], n.queryHeads, n.queries, n.channels, &expansion)
    var key = try heads(names[1], n.keyHeads, n.keys, n.channels, &expansion)
    var value = try heads(names[2], n.keyHeads, n.keys, n.valueChannels, &expansion)
    if let past = expansion.input(4) {
      key = try expansion.joined([past, key], axis: 2)
    }
    if let past = expansion.input(5) {
      value = try expansion.joined([past, value], axis: 2)
    }
    expansion.finish(key, as: 1)
    expansion.finish(value, as: 2)
    let scores = try scores(query, key, &expansion)
    let shares = try shares(scores, &expansion)
    let type = expansion.type(value)
    let grouped = try expansion.reshape(
      shares, [n.batch, n.keyHeads, n.queryHeads / n.keyHeads * n.queries, n.total])
    let read = try expansion.product(try expansion.cast(grouped, to: type), value)
    let result = try expansion.reshape(
      read, [n.batch, n.queryHeads, n.queries, n.valueChannels])
    if isWide { return expansion.finish(result) }
    let turned = try expansion.transpose(result, [0, 2, 1, 3])
    expansion.finish(
      try expansion.reshape(turned, [n.batch, n.queries, n.queryHeads * n.valueChannels]))
  }

  /// A tensor of three axes with its heads as an axis of their own, before the tokens.
  private func heads(
    _ x: String, _ heads: Int, _ tokens: Int, _ channels: Int, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    if isWide { return x }
    let split = try expansion.reshape(x, [n.batch, tokens, heads, channels])
    return try expansion.transpose(split, [0, 2, 1, 3])
  }

  /// scale · Q · Kᵀ; query heads that share a key head are rows of one matrix.
  private func scores(_ query: String, _ key: String, _ expansion: inout NodeExpansion)
    throws(GraphError) -> String
  {
    let grouped = try expansion.reshape(
      query, [n.batch, n.keyHeads, n.queryHeads / n.keyHeads * n.queries, n.channels])
    let type = expansion.type(key)
    let product = try expansion.product(
      try expansion.cast(grouped, to: type), key, transposeB: true)
    let scale = attention.scale ?? 1 / Double(n.channels).squareRoot()
    let scaled = try expansion.elements(
      .multiply, product, try expansion.number(scale))
    return try expansion.reshape(scaled, [n.batch, n.queryHeads, n.queries, n.total])
  }

  /// The probabilities of all keys, and whatever of the scores is a result.
  private func shares(_ scores: String, _ expansion: inout NodeExpansion) throws(GraphError)
    -> String
  {
    var capped = scores
    if attention.softcap > 0 {
      let cap = try expansion.number(attention.softcap)
      let inner = try expansion.elements(.divide, scores, cap)
      capped = try expansion.elements(
        .multiply, try expansion.elements(.tanh, inner), cap)
    }
    var masked = capped
    var shares: String
    if let bias = try bias(&expansion) {
      masked = try expansion.elements(.add, capped, bias)
      let plain = try expansion.apply(.softmax, [masked])
      // A query that sees no key reads nothing.
      let highest = try expansion.reduced(
        .maximum, bias, axes: [expansion.shape(bias).rank - 1])
      let least = try expansion.number(-.infinity)
      let sees = try expansion.elements(.greater, highest, least)
      shares = try expansion.elements(
        .select, sees, plain, try expansion.number(0))
    } else {
      shares = try expansion.apply(.softmax, [masked])
    }
    switch attention.scoreMode {
    case 1: expansion.finish(capped, as: 3)
    case 2: expansion.finish(masked, as: 3)
    case 3: expansion.finish(shares, as: 3)
    default: expansion.finish(scores, as: 3)
    }
    return shares
  }

  // MARK: Masks

  /// What is added to the scores, for shapes that broadcast to them: the mask, −∞ where a query
  /// must not look; nil where every query sees all.
  private func bias(_ expansion: inout NodeExpansion) throws(GraphError) -> String? {
    let open = try openPlaces(&expansion)
    guard let mask else {
      return try open.map { (name) throws(GraphError) in try hidden(name, &expansion) }
    }
    let padded = try widened(mask, &expansion)
    if expansion.type(padded) == .bool {
      let both = try open.map { (name) throws(GraphError) in
        try expansion.elements(.and, name, padded)
      }
      return try hidden(both ?? padded, &expansion)
    }
    guard let open else { return padded }
    return try expansion.elements(
      .select, open, padded, try expansion.number(-.infinity))
  }

  /// 0 where a truth value holds, else −∞.
  private func hidden(_ isOpen: String, _ expansion: inout NodeExpansion) throws(GraphError)
    -> String
  {
    try expansion.elements(
      .select, isOpen, try expansion.number(0), try expansion.number(-.infinity))
  }

  /// The mask with a column for every key; those that it does not name are hidden.
  private func widened(_ mask: String, _ expansion: inout NodeExpansion) throws(GraphError)
    -> String
  {
    let shape = expansion.shape(mask)
    let missing = n.total - shape.columnCount
    if missing == 0 { return mask }
    var after = shape.dimensions.map { _ in 0 }
    after[shape.rank - 1] = missing
    let isTest = expansion.type(mask) == .bool
    return try expansion.apply(
      .pad(
        Pad(
          before: shape.dimensions.map { _ in 0 }, after: after,
          value: isTest ? 0 : -.infinity)), [mask])
  }

  /// Where queries may look: by causality, window and padding; nil for everywhere.
  private func openPlaces(_ expansion: inout NodeExpansion) throws(GraphError) -> String? {
    let isLimited =
      attention.isCausal || attention.leftWindow >= 0 || attention.rightWindow >= 0
    guard let valid else {
      return isLimited ? try fixedPlaces(offset: n.past, &expansion) : nil
    }
    let type = expansion.type(valid)
    let places = try expansion.constant(
      (0..<n.total).map(Double.init), [1, 1, 1, n.total], type)
    let isThere = try expansion.elements(.less, places, valid)
    guard isLimited else { return isThere }
    if n.past > 0 || expansion.input(4) != nil {
      let fixed = try fixedPlaces(offset: n.past, &expansion)
      return try expansion.elements(.and, isThere, fixed)
    }
    return try movingPlaces(valid, isThere, &expansion)
  }

  private func fixedPlaces(offset: Int, _ expansion: inout NodeExpansion) throws(GraphError)
    -> String
  {
    let open = (0..<n.queries * n.total).map { index -> Double in
      isOpen(key: index % n.total, own: index / n.total + offset) ? 1 : 0
    }
    return try expansion.constant(open, [n.queries, n.total], .bool)
  }

  private func isOpen(key: Int, own: Int) -> Bool {
    !(attention.isCausal && key > own)
      && (attention.leftWindow < 0 || own - key <= attention.leftWindow)
      && (attention.rightWindow < 0 || key - own <= attention.rightWindow)
  }

  /// Queries are the last tokens of a sequence: key − query + queries ≤ length, and the like for
  /// windows.
  private func movingPlaces(
    _ valid: String, _ isThere: String, _ expansion: inout NodeExpansion
  ) throws(GraphError) -> String {
    let type = expansion.type(valid)
    let total = n.total
    let distances = (0..<n.queries * total).map { (index) -> Double in
      let (query, key) = index.quotientAndRemainder(dividingBy: total)
      return Double(key - query + n.queries)
    }
    // key − own position, by the length of the sequence.
    let ahead = try expansion.elements(
      .subtract,
      try expansion.constant(distances, [1, 1, n.queries, n.total], type), valid)
    var open = isThere
    var limits: [(ElementwiseFunction, Int)] = []
    if attention.isCausal { limits.append((.lessOrEqual, 0)) }
    if attention.leftWindow >= 0 { limits.append((.greaterOrEqual, -attention.leftWindow)) }
    if attention.rightWindow >= 0 { limits.append((.lessOrEqual, attention.rightWindow)) }
    for (test, limit) in limits {
      let holds = try expansion.elements(
        test, ahead, try expansion.number(Double(limit), type))
      open = try expansion.elements(.and, open, holds)
    }
    return open
  }
}
