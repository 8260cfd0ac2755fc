import ModelGraph

extension Graph {
  /// The same graph with attention that is written out as products and a softmax said in one node,
  /// where a kernel takes it whole. The graph holds no calls any more.
  ///
  /// What exporters write: softmax(scale · Q · Kᵀ + mask) · V, the scale before or after the
  /// product or halved between both factors, Q, K and V often transposed from tokens to heads just
  /// before, the result back just after, keys repeated for the heads that share them. Steps on the
  /// way must have no other reader: they are not computed any more.
  func fusingAttention() throws(GraphError) -> Graph {
    let found = AttentionSearch(self).matches()
    let byPlace = Dictionary(uniqueKeysWithValues: found.map { ($0.place, $0) })
    return try replacing(Set(found.flatMap(\.steps)), at: Set(byPlace.keys)) {
      (place, result) throws(GraphError) in
      try byPlace[place]?.append(to: &result, from: self)
    }
  }

  /// The same graph without some nodes; `append` puts what stands for them at these places, which
  /// are among them and make what the last of each group made.
  func replacing(
    _ gone: Set<Int>, at places: Set<Int>,
    _ append: (Int, inout Graph) throws(GraphError) -> Void
  ) throws(GraphError) -> Graph {
    if gone.isEmpty { return self }
    var result = Graph(name: name)
    let vanished = Set(gone.subtracting(places).flatMap { nodes[$0].outputs })
    for tensor in tensors where !vanished.contains(tensor.name) { try result.declare(tensor) }
    for (place, node) in nodes.enumerated() {
      if places.contains(place) {
        try append(place, &result)
      } else if !gone.contains(place) {
        result.append(node)
      }
    }
    return result
  }
}

/// Attention found in a graph.
struct AttentionMatch {
  /// The node that it stands in place of: the last of them.
  let place: Int
  /// All nodes that vanish.
  let steps: [Int]
  /// The tensor that it makes.
  let output: String
  let attention: Attention
  /// Q, K and V, whose elements are those of the attention's operands in their order.
  let operands: [String]

  /// Appends the attention, and reshapes of its operands and result, which move nothing.
  func append(to result: inout Graph, from graph: Graph) throws(GraphError) {
    let last = graph.nodes[place]
    let shapes = [
      attention.queryLayout.shape(attention.query), attention.keyLayout.shape(attention.key),
      attention.valueLayout.shape(attention.key),
    ]
    var inputs: [String] = []
    for (operand, shape) in zip(operands, shapes) {
      guard let tensor = graph.tensor(operand) else {
        throw .unknownTensor(node: last.name, tensor: operand)
      }
      guard tensor.shape != shape else {
        inputs.append(operand)
        continue
      }
      let name = "\(last.name)/\(operand) by heads"
      if result.tensor(name) == nil {
        var view = tensor
        (view.name, view.shape, view.role) = (name, shape, .intermediate)
        try result.declare(view)
        result.append(reshape(operand, name, to: shape, layer: last.layer))
      }
      inputs.append(name)
    }
    guard let made = result.tensor(output) else {
      throw .unknownTensor(node: last.name, tensor: output)
    }
    let shape = attention.outputLayout.shape(attention.query)
    var target = output
    if made.shape != shape {
      target = "\(last.name)/by heads"
      var plain = made
      (plain.name, plain.shape, plain.role) = (target, shape, .intermediate)
      try result.declare(plain)
    }
    result.append(
      Node(
        name: last.name, operation: .attention(attention), inputs: inputs, outputs: [target],
        hints: last.hints, layer: last.layer))
    if target != output {
      result.append(reshape(target, output, to: made.shape, layer: last.layer))
    }
  }

  private func reshape(_ input: String, _ output: String, to shape: TensorShape, layer: Int?)
    -> Node
  {
    Node(
      name: "\(output) as \(shape)", operation: .reshape(Reshape(to: shape)), inputs: [input],
      outputs: [output], layer: layer)
  }
}
