import ModelGraph

/// Where tensors of a graph come from and who reads them: what a search for a pattern asks.
struct GraphWalk {
  let graph: Graph
  /// Where each tensor is made.
  let makers: [String: Int]
  /// The nodes that read each tensor, in order; a node that reads it twice stands there twice.
  let readers: [String: [Int]]

  init(_ graph: Graph) {
    self.graph = graph
    var makers: [String: Int] = [:]
    var readers: [String: [Int]] = [:]
    for (place, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { makers[output] = place }
      for input in node.inputs where !input.isEmpty { readers[input, default: []].append(place) }
    }
    self.makers = makers
    self.readers = readers
  }

  /// The node that makes a tensor.
  func maker(_ tensor: String) -> (place: Int, node: Node)? {
    makers[tensor].map { ($0, graph.nodes[$0]) }
  }

  /// The node that makes a tensor, where only one node reads it.
  func step(before tensor: String) -> (place: Int, node: Node)? {
    guard readers[tensor]?.count == 1, isIntermediate(tensor) else { return nil }
    return maker(tensor)
  }

  /// The only node that reads a tensor, where nobody else needs it.
  func onlyReader(of tensor: String) -> (place: Int, node: Node)? {
    guard let places = readers[tensor], places.count == 1, isIntermediate(tensor) else {
      return nil
    }
    return (places[0], graph.nodes[places[0]])
  }

  /// True where a tensor is nothing but a step on the way.
  func isIntermediate(_ tensor: String) -> Bool { graph.tensor(tensor)?.role == .intermediate }

  /// The shape of a tensor.
  func shape(_ name: String) -> TensorShape { graph.tensor(name)?.shape ?? [] }

  /// The type of a tensor of real numbers; nil for others.
  func realType(_ name: String) -> ElementType? {
    graph.tensor(name).flatMap { $0.type.isInteger || $0.type == .bool ? nil : $0.type }
  }

  /// The one number that a given tensor holds by its declaration.
  func number(_ name: String) -> Double? {
    guard let tensor = graph.tensor(name), tensor.role == .weight,
      tensor.shape.elementCount == 1
    else { return nil }
    switch tensor.fill {
    case .constant(let number): return number
    case .values(let constant): return constant.view[0]
    default: return nil
    }
  }

  /// True where a node moves real numbers to another format, or not at all.
  func isCopy(_ node: Node) -> Bool {
    switch node.operation {
    case .copy: true
    case .cast: realType(node.inputs[0]) != nil && realType(node.outputs[0]) != nil
    default: false
    }
  }
}
