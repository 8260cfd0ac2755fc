import ModelGraph

extension Graph {
  /// The same graph with every call replaced by its function's nodes. Tensors inside a call are
  /// named `call/tensor`.
  func flattened() throws(GraphError) -> Graph {
    var result = Graph(name: name)
    for tensor in tensors { try result.declare(tensor) }
    for node in nodes { try Self.append(node, of: self, to: &result) }
    return result
  }

  private static func append(
    _ node: Node, of graph: Graph, to result: inout Graph
  ) throws(GraphError) {
    guard case .call(let name) = node.operation, let function = graph.function(name) else {
      result.append(node)
      return
    }
    var names: [String: String] = [:]
    for (formal, actual) in zip(function.givenTensors, node.inputs) { names[formal.name] = actual }
    for (formal, actual) in zip(function.outputTensors, node.outputs) {
      names[formal.name] = actual
    }
    for tensor in function.tensors where names[tensor.name] == nil {
      var local = tensor
      local.name = "\(node.name)/\(tensor.name)"
      names[tensor.name] = local.name
      if result.tensor(local.name) == nil { try result.declare(local) }
    }
    for inner in function.nodes {
      var copy = inner
      copy.name = "\(node.name)/\(inner.name)"
      copy.inputs = inner.inputs.map { names[$0] ?? $0 }
      copy.outputs = inner.outputs.map { names[$0] ?? $0 }
      copy.layer = node.layer
      try append(copy, of: graph, to: &result)
    }
  }
}
