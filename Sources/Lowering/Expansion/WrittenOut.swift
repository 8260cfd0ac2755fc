package import ModelGraph

/// Operators said in others: how `GraphBuilder.differentiate` derives those that have no rule.
package enum WrittenOut {
  /// The graph with nodes that make what a node makes; nil where there are no others to say it in.
  @Sendable
  package static func nodes(_ graph: Graph, _ node: Node) throws(GraphError) -> Graph? {
    var expansion = NodeExpansion(node, in: graph)
    switch node.operation {
    // These have kernels, and are written out for their derivatives alone.
    case .expertLayer(let layer): try layer.writeOut(&expansion)
    case .pointwiseAttention(let attention): try attention.writeOut(&expansion)
    case .neighbourAttention(let attention): try attention.writeOut(&expansion)
    case .resize(let resize): try resize.writeOut(&expansion)
    default: return try OperatorExpansions.grown(graph, by: node)
    }
    return expansion.graph
  }
}

extension Resize {
  /// Each place as the weighted sum that it is, axis by axis.
  fileprivate func writeOut(_ expansion: inout NodeExpansion) throws(GraphError) {
    let x = expansion.node.inputs[0]
    let shape = expansion.shape(x)
    let first = shape.rank - sizes.count
    let axes = sizes.indices.map { axis in
      let sources = sources(axis, size: shape[first + axis])
      return AxisResampling(
        axis: first + axis, sources: sources.map { $0.map(\.index) },
        weights: sources.map { $0.map(\.weight) }, isOutside: sources.map { _ in false })
    }
    expansion.finish(.resample(Resample(axes: axes)), [x])
  }
}

extension ExpertLayer {
  /// Every expert for every token, weighted by a softmax of the chosen logits; the choice itself
  /// has no slope.
  fileprivate func writeOut(_ expansion: inout NodeExpansion) throws(GraphError) {
    let names = expansion.node.inputs
    let (x, logits) = (names[0], names[1])
    let count = expansion.shape(logits)[1]
    let best = try expansion.apply(.topK(TopK(count: chosen)), [logits])
    let least = try expansion.slice(best, axis: 1, start: chosen - 1, count: 1)
    let isChosen = try expansion.elements(.greaterOrEqual, logits, least, type: .bool)
    let kept = try expansion.elements(
      .select, isChosen, logits, try expansion.number(-1e30))
    let weights = try expansion.apply(.axisSoftmax(AxisSoftmax(.softmax, axis: 1)), [kept])
    var sum: String?
    for expert in 0..<count {
      var parts: [String] = []
      for table in names[2...4] {
        let shape = expansion.shape(table)
        let own = try expansion.slice(table, axis: 0, start: expert, count: 1)
        parts.append(try expansion.reshape(own, [shape[1], shape[2]]))
      }
      let gate = try expansion.apply(
        .elementwise(Elementwise(.swish, alpha: 1)), [try expansion.product(x, parts[0])])
      let hidden = try expansion.elements(
        .multiply, gate, try expansion.product(x, parts[1]))
      let made = try expansion.elements(
        .multiply, try expansion.product(hidden, parts[2]),
        try expansion.slice(weights, axis: 1, start: expert, count: 1))
      sum =
        try sum.map { (earlier) throws(GraphError) in
          try expansion.elements(.add, earlier, made)
        } ?? made
    }
    expansion.finish(sum ?? x)
  }
}

extension PointwiseAttention {
  /// silu(Q · Kᵀ) · V head by head, what a query does not see times zero.
  fileprivate func writeOut(_ expansion: inout NodeExpansion) throws(GraphError) {
    let names = expansion.node.inputs
    let (batch, tokens, heads) = (lengths.batch, lengths.tokens, lengths.heads)
    func byHead(_ name: String, _ expansion: inout NodeExpansion) throws(GraphError) -> String {
      let own = expansion.shape(name)[1] / heads
      let split = try expansion.reshape(name, [batch, tokens, heads, own])
      return try expansion.transpose(split, [0, 2, 1, 3])
    }
    let scores = try expansion.product(
      try byHead(names[0], &expansion), try byHead(names[1], &expansion), transposeB: true)
    let weights = try expansion.apply(.elementwise(Elementwise(.swish, alpha: 1)), [scores])
    let seen = (0..<tokens * tokens).map { index in
      !isCausal || index % tokens <= index / tokens ? scale : 0
    }
    let kept = try expansion.elements(
      .multiply, weights, try expansion.constant(seen, [tokens, tokens]))
    let made = try expansion.product(kept, try byHead(names[2], &expansion))
    let turned = try expansion.transpose(made, [0, 2, 1, 3])
    expansion.finish(try expansion.reshape(turned, expansion.shape(names[2])))
  }
}

extension NeighbourAttention {
  /// Rows of the sources by number, an empty place being a row of zeros whose score is the least.
  fileprivate func writeOut(_ expansion: inout NodeExpansion) throws(GraphError) {
    let names = expansion.node.inputs
    let (sources, places) = (expansion.shape(names[0]), expansion.shape(names[2]))
    let (rows, length) = (sources[0], sources[1])
    let (nodes, count, width) = (places[0], places[1], length - heads)
    let numbers = try expansion.cast(names[2], to: .int64)
    let last = try expansion.number(Double(rows), .int64)
    let isBehind = try expansion.elements(.greaterOrEqual, numbers, last, type: .bool)
    let isBefore = try expansion.elements(
      .less, numbers, try expansion.number(0, .int64), type: .bool)
    let isEmpty = try expansion.elements(.or, isBehind, isBefore, type: .bool)
    let own = try expansion.elements(.select, isEmpty, last, numbers, type: .int64)
    let zeros = try expansion.constant([Double](repeating: 0, count: length), [1, length])
    let table = try expansion.joined([names[0], zeros], axis: 0)
    let read = try expansion.apply(.axisGather(AxisGather(axis: 0)), [table, own])
    let scores = try expansion.elements(
      .add, try expansion.slice(read, axis: 2, start: width, count: heads),
      try expansion.reshape(
        try expansion.slice(names[1], axis: 1, start: firstScore, count: heads),
        [nodes, 1, heads]))
    let leaky = try expansion.apply(
      .elementwise(Elementwise(.leakyRelu, alpha: slope)), [scores])
    let kept = try expansion.elements(
      .select, try expansion.reshape(isEmpty, [nodes, count, 1]),
      try expansion.number(-1e30), leaky)
    let shares = try expansion.apply(.axisSoftmax(AxisSoftmax(.softmax, axis: 1)), [kept])
    let values = try expansion.reshape(
      try expansion.slice(read, axis: 2, start: 0, count: width),
      [nodes, count, heads, width / heads])
    let weighted = try expansion.elements(
      .multiply, values, try expansion.reshape(shares, [nodes, count, heads, 1]))
    let sum = try expansion.reduced(.sum, weighted, axes: [1])
    expansion.finish(try expansion.reshape(sum, [nodes, width]))
  }
}
