import ModelGraph

extension LinearAttention {
  /// Token by token: the state decays, takes the outer product of key and value, and is read.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let names = expansion.node.inputs
    let (q, v) = (expansion.shape(names[0]), expansion.shape(names[2]))
    let (batch, tokens, group) = (q[0], q[1], queryHeads / keyHeads)
    let (channels, values) = (q[2] / queryHeads, v[2] / keyHeads)
    let queries = try steps(names[0], [keyHeads, group, channels], &expansion)
    let keys = try steps(names[1], [keyHeads, channels, 1], &expansion)
    let given = try steps(names[2], [keyHeads, 1, values], &expansion)
    let decays = try expansion.input(4).map { (name) throws(GraphError) in
      let perHead = expansion.shape(name)[2] / keyHeads
      let kept = try expansion.elements(.exp, name)
      return try steps(kept, [keyHeads, perHead, 1], &expansion)
    }
    let betas = try expansion.input(5).map { (name) throws(GraphError) in
      try steps(name, [expansion.shape(name)[2], 1, 1], &expansion)
    }
    var state: String
    if let past = expansion.input(3) {
      state = try expansion.cast(past, to: .float32)
    } else {
      let shape: TensorShape = [batch, keyHeads, channels, values]
      state = try expansion.constant(
        [Double](repeating: 0, count: shape.elementCount), shape)
    }
    let factor = try expansion.number(scale ?? 1 / Double(channels).squareRoot())
    var results: [String] = []
    for token in 0..<tokens {
      if let decays {
        state = try expansion.elements(.multiply, state, decays[token])
      }
      var added = given[token]
      if let betas {
        let row = try expansion.reshape(keys[token], [batch, keyHeads, 1, channels])
        let held = try expansion.product(try expansion.cast(row, to: .float32), state)
        let missing = try expansion.elements(.subtract, added, held)
        added = try expansion.elements(.multiply, missing, betas[token])
      }
      let outer = try expansion.elements(.multiply, keys[token], added)
      state = try expansion.elements(.add, state, outer)
      let read = try expansion.product(
        try expansion.cast(queries[token], to: .float32), state)
      let scaled = try expansion.elements(.multiply, read, factor)
      results.append(try expansion.reshape(scaled, [batch, 1, queryHeads * values]))
    }
    expansion.finish(try expansion.joined(results, axis: 1))
    expansion.finish(state, as: 1)
  }

  /// What `[batch, tokens, …]` holds for each token, as `[batch]` and that shape.
  private func steps(_ x: String, _ shape: TensorShape, _ expansion: inout NodeExpansion)
    throws(GraphError) -> [String]
  {
    let own = expansion.shape(x)
    let turned = try expansion.transpose(x, [1, 0, 2])
    return try expansion.pieces(turned, axis: 0, count: own[1])
      .map { (piece) throws(GraphError) in
        try expansion.reshape(piece, TensorShape([own[0]] + shape.dimensions))
      }
  }
}
