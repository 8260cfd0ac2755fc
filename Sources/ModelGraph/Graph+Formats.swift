package import NumericFormats

extension Graph {
  /// The same graph with every floating-point tensor that nodes make declared fp32: what a device
  /// computes that rounds nothing it stores. Tensors that are given hold what they always hold.
  package func withoutRounding() throws(GraphError) -> Graph {
    var graph = Graph(name: name)
    for tensor in tensors {
      var tensor = tensor
      if !tensor.role.isGiven { tensor.removeRounding() }
      try graph.declare(tensor)
    }
    for node in nodes { graph.append(node.withoutRounding) }
    for function in functions { try graph.add(function: try function.withoutRounding()) }
    return graph
  }
}

extension TensorDeclaration {
  /// Declares it fp32 where it is of a narrower floating-point format.
  package mutating func removeRounding() {
    let format = format.withoutRounding
    if type == .format(self.format) { type = .format(format) }
    self.format = format
  }
}

extension Node {
  /// The same node; a cast to a narrower floating-point format becomes one to fp32.
  fileprivate var withoutRounding: Node {
    guard case .cast(let cast) = operation, case .format(let format) = cast.type else {
      return self
    }
    var node = self
    node.operation = .cast(
      Cast(to: .format(format.withoutRounding), saturates: cast.saturates))
    return node
  }
}

extension NumberFormat {
  /// fp32 for the floating-point formats of single numbers; integers and packed elements stay.
  package var withoutRounding: NumberFormat {
    Self.arithmeticFormats.contains(self) && !isInteger ? .float32 : self
  }
}
