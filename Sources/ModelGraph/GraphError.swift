/// A graph that means nothing: which node, which tensors, and what was expected.
package enum GraphError: Error, Equatable, CustomStringConvertible {
  /// Two tensors, nodes or functions of one name.
  case duplicateName(graph: String, kind: String, name: String)
  /// A tensor that no memory could hold.
  case tooManyElements(tensor: String, shape: TensorShape)
  /// A node names a tensor that the graph does not declare.
  case unknownTensor(node: String, tensor: String)
  /// A node reads a tensor that nothing before it makes.
  case notYetProduced(node: String, tensor: String)
  /// A second node makes the tensor, or a node makes a given one.
  case producedTwice(node: String, tensor: String)
  /// No node makes an output or intermediate tensor.
  case neverProduced(graph: String, tensor: String)
  /// The operator takes another number of inputs or outputs.
  case wrongCount(node: String, what: String, expected: String, found: Int)
  /// The shapes do not fit the operator.
  case shapes(node: String, operation: String, shapes: [TensorShape], reason: String)
  /// The number format does not fit the operator.
  case format(node: String, tensor: String, expected: String, found: String)
  /// A call names a function that the graph does not hold.
  case unknownFunction(node: String, function: String)
  /// `updates` names no state tensor of the same shape and format.
  case badUpdate(tensor: String, state: String, reason: String)
  /// An evaluation lacks a given tensor, or its value has another shape.
  case badValue(tensor: String, reason: String)
  /// A derivative is asked for through an operator that has no rule.
  case notDifferentiable(node: String, operation: String, reason: String)

  /// What, where, and what to do.
  package var description: String {
    switch self {
    case .duplicateName(let graph, let kind, let name):
      "graph '\(graph)' has two \(kind)s named '\(name)'; rename one"
    case .tooManyElements(let tensor, let shape):
      "tensor '\(tensor)' is \(shape), more than the \(Graph.mostElements) elements that a tensor "
        + "can have; make it smaller"
    case .unknownTensor(let node, let tensor):
      "node '\(node)' names tensor '\(tensor)', which is not declared; declare it first"
    case .notYetProduced(let node, let tensor):
      "node '\(node)' reads tensor '\(tensor)' before a node makes it; order the nodes"
    case .producedTwice(let node, let tensor):
      "node '\(node)' makes tensor '\(tensor)', which has a value already; use another name"
    case .neverProduced(let graph, let tensor):
      "graph '\(graph)' declares tensor '\(tensor)', but no node makes it; add the node"
    case .wrongCount(let node, let what, let expected, let found):
      "node '\(node)' has \(found) \(what); expected \(expected)"
    case .shapes(let node, let operation, let shapes, let reason):
      "node '\(node)': \(operation) does not take "
        + shapes.map(\.description).joined(separator: " and ") + ": \(reason)"
    case .format(let node, let tensor, let expected, let found):
      "node '\(node)': tensor '\(tensor)' is \(found); expected \(expected)"
    case .unknownFunction(let node, let function):
      "node '\(node)' calls '\(function)', which the graph does not hold; add the function"
    case .badUpdate(let tensor, let state, let reason):
      "tensor '\(tensor)' cannot update '\(state)': \(reason)"
    case .badValue(let tensor, let reason):
      "tensor '\(tensor)': \(reason)"
    case .notDifferentiable(let node, let operation, let reason):
      "node '\(node)': \(operation) cannot be differentiated: \(reason)"
    }
  }
}
