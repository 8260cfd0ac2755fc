package import ModelGraph

/// A node that cannot be carried over, and why.
package struct UnsupportedNode: Hashable, Sendable, CustomStringConvertible {
  /// The node's name, or what it makes where it has none.
  package var node: String
  /// The operator by ONNX's name.
  package var operation: String
  /// What stands in the way.
  package var reason: String

  /// A node and what stands in its way.
  package init(node: String, operation: String, reason: String) {
    self.node = node
    self.operation = operation
    self.reason = reason
  }

  /// One line of a list.
  package var description: String { "\(operation) '\(node)': \(reason)" }
}

/// A kind of file that is read, as messages call it.
package enum ImportedFile: String, Sendable {
  /// A model with its nodes.
  case onnx = "ONNX model"
  /// An array.
  case numpy = "NumPy file"
  /// Weights by name.
  case safetensors = "safetensors file"
}

/// A model file, or a value given for it, that cannot be used.
package enum ImportError: Error, CustomStringConvertible, Sendable {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The file is not what it should be, or breaks off.
  case damaged(path: String, reason: String, what: ImportedFile = .onnx)
  /// Operators or forms of them that this program does not know, all of them.
  case unsupported(path: String, nodes: [UnsupportedNode])
  /// Lengths that the model leaves open and nothing binds.
  case unboundDimensions(path: String, names: [String])
  /// The command line names an input or a dimension that the model does not have.
  case unknownName(what: String, name: String, known: [String])
  /// A value given for an input has another type or shape.
  case badInput(name: String, reason: String)
  /// The model contradicts itself.
  case graph(path: String, error: GraphError)
  /// Nodes that need each other in a circle, each what the one before it makes.
  case cycle(path: String, nodes: [String])
  /// A node names a tensor that is no input, no initialiser and made by no node.
  case noSuchTensor(path: String, node: String, tensor: String, nearest: String?)
  /// The file declares a shape that does not follow from its nodes.
  case declaredShape(path: String, tensor: String, declared: String, inferred: TensorShape)
  /// A whole number that the device's 32 bits do not hold.
  case wideInteger(
    path: String, node: String, tensor: String, value: String, index: Int,
    bounds: ClosedRange<Int64>)
  /// Functions that call each other so often that their nodes are more than anyone means.
  case tooManyNodes(path: String, limit: Int)

  /// What is wrong, where, and what to do.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): return "\(path): cannot be read: \(reason)"
    case .damaged(let path, let reason, let what):
      return "\(path): no intact \(what.rawValue): \(reason)"
    case .unsupported(let path, let nodes):
      let lines = nodes.map { "\n  \($0)" }.joined()
      return "\(path): \(nodes.count) node\(nodes.count == 1 ? "" : "s") cannot be run:\(lines)"
    case .unboundDimensions(let path, let names):
      let example = names.first ?? "NAME"
      return "\(path): nothing says how long \(names.joined(separator: ", ")) "
        + "\(names.count == 1 ? "is" : "are"); bind each with --dim, such as --dim \(example)=1"
    case .unknownName(let what, let name, let known):
      return "the model has no \(what) '\(name)'; it has "
        + (known.isEmpty ? "none" : known.joined(separator: ", "))
    case .badInput(let name, let reason): return "input '\(name)': \(reason)"
    case .graph(let path, let error): return "\(path): \(error)"
    case .cycle(let path, let nodes):
      let circle = (nodes + nodes.prefix(1)).map { "'\($0)'" }.joined(separator: " → ")
      return "\(path): nodes need each other in a cycle: \(circle); "
        + "no order of them can be evaluated"
    case .noSuchTensor(let path, let node, let tensor, let nearest):
      let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
      return "\(path): node '\(node)' reads tensor '\(tensor)', which no node makes and which is "
        + "neither an input nor an initialiser\(hint)"
    case .declaredShape(let path, let tensor, let declared, let inferred):
      return "\(path): the file says that tensor '\(tensor)' is \(declared), but its nodes make it "
        + "\(inferred); correct one of them"
    case .wideInteger(let path, let node, let tensor, let value, let index, let bounds):
      return
        "\(path): node '\(node)' reads tensor '\(tensor)', whose element \(index) is \(value): "
        + "the device has no 64-bit integers and keeps whole numbers from \(bounds.lowerBound) to "
        + "\(bounds.upperBound) here; --reference evaluates the model exactly on the host"
    case .tooManyNodes(let path, let limit):
      return "\(path): its functions call each other so often that they become more than "
        + "\(limit) nodes"
    }
  }
}

/// Why one node cannot be translated.
struct TranslationFailure: Error {
  let reason: String
  /// The inputs of the model whose values would have to be known.
  var neededInputs: Set<String> = []
  init(_ reason: String, neededInputs: Set<String> = []) {
    self.reason = reason
    self.neededInputs = neededInputs
  }
}
