import ONNXSchema

/// How many nodes a model's functions become when each call is replaced by its nodes, counted
/// before any of that is done: a few functions that call each other eight times over are more nodes
/// than any memory holds.
struct FunctionSizes {
  /// What a function, or a list of nodes, becomes.
  private struct Size {
    /// Nodes, at most `most + 1`.
    var nodes = 0
    /// Calls within each other.
    var depth = 0
  }

  /// More nodes than these are taken for an attack.
  static let most = 1_000_000

  private let functions: [String: Onnx_FunctionProto]
  private let path: String
  private var known: [String: Size] = [:]
  private var open: [String] = []

  init(_ functions: [String: Onnx_FunctionProto], path: String) {
    self.functions = functions
    self.path = path
  }

  /// Throws `tooManyNodes`, and `unsupported` for functions that call themselves or stand too deep
  /// in each other.
  mutating func check(_ nodes: [Onnx_NodeProto]) throws(ImportError) {
    guard !functions.isEmpty else { return }
    let size = try size(of: nodes)
    guard size.nodes <= Self.most else {
      throw .tooManyNodes(path: path, limit: Self.most)
    }
  }

  private mutating func size(of nodes: [Onnx_NodeProto]) throws(ImportError) -> Size {
    var size = Size()
    for node in nodes {
      var own = Size()
      let key = ImportPass.key(node.domain, node.opType)
      if let function = functions[key] {
        own = try self.size(of: function, key, calledBy: node)
      }
      // One branch of an If is taken.
      for attribute in node.attribute where attribute.hasG {
        let branch = try self.size(of: attribute.g.node)
        own.nodes = max(own.nodes, branch.nodes)
        own.depth = max(own.depth, branch.depth)
      }
      size.nodes = min(Self.most + 1, size.nodes + 1 + own.nodes)
      size.depth = max(size.depth, own.depth)
    }
    return size
  }

  private mutating func size(
    of function: Onnx_FunctionProto, _ key: String, calledBy node: Onnx_NodeProto
  ) throws(ImportError) -> Size {
    func refusal(_ reason: String) -> ImportError {
      .unsupported(
        path: path,
        nodes: [UnsupportedNode(node: node.title, operation: node.opType, reason: reason)])
    }
    if let first = open.firstIndex(of: key) {
      let circle = (open[first...] + [key]).map { functions[$0]?.name ?? $0 }
      throw refusal("functions call each other in a circle: \(circle.joined(separator: " → "))")
    }
    let deepest = "functions stand more than \(ImportPass.deepest) deep in each other"
    guard open.count < ImportPass.deepest else { throw refusal(deepest) }
    if let size = known[key] {
      guard open.count + size.depth <= ImportPass.deepest else { throw refusal(deepest) }
      return size
    }
    open.append(key)
    var size = try self.size(of: function.node)
    open.removeLast()
    size.depth += 1
    known[key] = size
    return size
  }
}
