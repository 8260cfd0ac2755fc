/// A directed graph of operators over named tensors; nodes stand in an order of evaluation.
package struct Graph: Hashable, Sendable {
  /// The name in messages, or by which a call finds it.
  package let name: String
  /// Every tensor, in the order of declaration.
  package private(set) var tensors: [TensorDeclaration] = []
  /// Every node, each after the nodes that make its inputs.
  package private(set) var nodes: [Node] = []
  /// Graphs that nodes here call: a decoder layer stands once, however often it runs.
  package private(set) var functions: [Graph] = []
  private var tensorIndices: [String: Int] = [:]

  /// An empty graph.
  package init(name: String) { self.name = name }

  /// Elements of a tensor at most: more bytes than all devices here have together, and few enough
  /// that sums of sizes stay whole numbers.
  package static let mostElements = 1 << 44

  /// Adds a tensor. Throws `duplicateName` and `tooManyElements`.
  package mutating func declare(_ tensor: TensorDeclaration) throws(GraphError) {
    guard tensorIndices[tensor.name] == nil else {
      throw .duplicateName(graph: name, kind: "tensor", name: tensor.name)
    }
    guard tensor.shape.elementCount <= Self.mostElements else {
      throw .tooManyElements(tensor: tensor.name, shape: tensor.shape)
    }
    tensorIndices[tensor.name] = tensors.count
    tensors.append(tensor)
  }

  /// Adds a node after those already there; `verify` checks it.
  package mutating func append(_ node: Node) { nodes.append(node) }

  /// Adds a graph that nodes can call. Throws `duplicateName`.
  package mutating func add(function: Graph) throws(GraphError) {
    guard self.function(function.name) == nil else {
      throw .duplicateName(graph: name, kind: "function", name: function.name)
    }
    functions.append(function)
  }

  /// The tensor of that name, or nil.
  package func tensor(_ name: String) -> TensorDeclaration? {
    tensorIndices[name].map { tensors[$0] }
  }

  /// The function of that name, or nil.
  package func function(_ name: String) -> Graph? { functions.first { $0.name == name } }

  /// The node of that name, or nil.
  package func node(_ name: String) -> Node? { nodes.first { $0.name == name } }

  /// Tensors whose value comes from outside, in the order of declaration: what a call binds.
  package var givenTensors: [TensorDeclaration] { tensors.filter { $0.role.isGiven } }

  /// Tensors handed back, in the order of declaration: what a call makes.
  package var outputTensors: [TensorDeclaration] { tensors.filter { $0.role == .output } }

  /// Changes a tensor's role, name kept. Throws `unknownTensor`.
  package mutating func mark(_ tensor: String, as role: TensorRole, updates: String? = nil)
    throws(GraphError)
  {
    guard let index = tensorIndices[tensor] else {
      throw .unknownTensor(node: name, tensor: tensor)
    }
    tensors[index].role = role
    if let updates { tensors[index].updates = updates }
  }
}
