import KernelLibrary
import ModelGraph
import NumericFormats

extension Attention {
  /// True where the kernel takes heads of this width and operands of this type.
  func hasKernel(_ type: ElementType) -> Bool {
    guard type != .float32 else { return false }
    return query.channels <= 128
      || query.channels == AttentionKernel.widestHead && window == nil
        && query.tokens > AttentionKernel.mostDecodeQueries
        && key.tokens <= AttentionKernel.mostKeysOfWidest
  }

  /// Attention in fp32 or with heads of a width that its kernel does not take, as products and a
  /// softmax; false for what it does.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let names = expansion.node.inputs
    let layouts = [queryLayout, valueLayout, outputLayout]
    // Keys of a cache have their channels before the tokens, as the product wants them.
    let isTurned = keyLayout == .headsTransposed
    guard !hasKernel(expansion.type(names[0])),
      layouts.allSatisfy({ $0 == .tokensHeads }), isTurned || keyLayout == .tokensHeads
    else { return false }
    func heads(_ x: String, _ n: HeadDimensions, _ expansion: inout NodeExpansion)
      throws(GraphError) -> String
    {
      let split = try expansion.reshape(x, [n.batch, n.tokens, n.heads, n.channels])
      return try expansion.transpose(split, [0, 2, 1, 3])
    }
    // Query heads that share a key head are rows of one matrix.
    let rows = query.heads / key.heads * query.tokens
    let q = try expansion.reshape(
      try heads(names[0], query, &expansion), [query.batch, key.heads, rows, query.channels])
    let k =
      isTurned
      ? try expansion.reshape(names[1], [key.batch, key.heads, key.channels, key.tokens])
      : try heads(names[1], key, &expansion)
    let v = try heads(names[2], key, &expansion)
    let product = try expansion.apply(
      .batchMatMul(BatchMatMul(transposeB: !isTurned)), [q, k], type: .float32)
    let scaled = try expansion.elements(
      .multiply, product, try expansion.number(scale))
    var scores = try expansion.reshape(
      scaled, [query.batch, query.heads, query.tokens, key.tokens])
    // The one newest query sees all keys.
    if isCausal, query.tokens > 1 || firstVisibleKey(queryToken: 0) > 0 {
      let bias = (0..<query.tokens * key.tokens).map { index -> Double in
        let (token, place) = index.quotientAndRemainder(dividingBy: key.tokens)
        let seen = firstVisibleKey(queryToken: token)..<visibleKeys(queryToken: token)
        return seen.contains(place) ? 0 : -.infinity
      }
      let mask = try expansion.constant(bias, [query.tokens, key.tokens])
      scores = try expansion.elements(.add, scores, mask)
    }
    let type = expansion.type(names[2])
    let shares = try expansion.cast(
      try expansion.reshape(
        try expansion.apply(.softmax, [scores]), [query.batch, key.heads, rows, key.tokens]),
      to: type)
    let read = try expansion.reshape(
      try expansion.apply(.batchMatMul(BatchMatMul()), [shares, v], type: type),
      [query.batch, query.heads, query.tokens, query.channels])
    let turned = try expansion.transpose(read, [0, 2, 1, 3])
    expansion.finish(
      try expansion.reshape(turned, expansion.shape(expansion.node.outputs[0])))
    return true
  }
}
