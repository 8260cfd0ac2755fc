import ModelGraph
import NumericFormats

extension Attention {
  /// Attention in fp32, which its kernel does not take, as products and a softmax; false for other
  /// formats and for layouts that are kept for caches.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let names = expansion.node.inputs
    let layouts = [queryLayout, keyLayout, valueLayout, outputLayout]
    guard expansion.type(names[0]) == .float32, layouts.allSatisfy({ $0 == .tokensHeads })
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
    let k = try heads(names[1], key, &expansion)
    let v = try heads(names[2], key, &expansion)
    let product = try expansion.product(q, k, transposeB: true)
    let scaled = try expansion.elements(
      .multiply, product, try expansion.number(scale))
    var scores = try expansion.reshape(
      scaled, [query.batch, query.heads, query.tokens, key.tokens])
    if isCausal {
      let bias = (0..<query.tokens * key.tokens).map { index -> Double in
        let (token, place) = index.quotientAndRemainder(dividingBy: key.tokens)
        let seen = firstVisibleKey(queryToken: token)..<visibleKeys(queryToken: token)
        return seen.contains(place) ? 0 : -.infinity
      }
      let mask = try expansion.constant(bias, [query.tokens, key.tokens])
      scores = try expansion.elements(.add, scores, mask)
    }
    let shares = try expansion.reshape(
      try expansion.apply(.softmax, [scores]), [query.batch, key.heads, rows, key.tokens])
    let read = try expansion.reshape(
      try expansion.product(shares, v),
      [query.batch, query.heads, query.tokens, query.channels])
    let turned = try expansion.transpose(read, [0, 2, 1, 3])
    expansion.finish(
      try expansion.reshape(turned, expansion.shape(expansion.node.outputs[0])))
    return true
  }
}
