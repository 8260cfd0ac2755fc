import ModelGraph

/// A node that the host evaluated because the value of an input decides shapes or choices.
package struct HostNode: Hashable, Sendable {
  /// The node's name, or what it makes where it has none.
  package var node: String
  /// The operator by ONNX's name.
  package var operation: String
  /// Which node needs the values of which input.
  package var reason: String
  /// Its floating-point operations.
  package var flops: Int
  /// Bytes that its operands would take on the device.
  package var bytes: Int

  init(_ node: String, _ operation: String, because reason: String, _ work: FoldedWork) {
    self.node = node
    self.operation = operation
    self.reason = reason
    flops = work.flops
    bytes = work.bytes
  }
}

/// A node that no output needs.
package struct UnusedNode: Hashable, Sendable {
  /// The node's name, or what it makes where it has none.
  package var node: String
  /// The operator by ONNX's name.
  package var operation: String
}

/// What of one node is folded because inputs are.
struct FoldedWork {
  /// These inputs.
  private(set) var sources: Set<String> = []
  private(set) var flops = 0
  private(set) var bytes = 0

  mutating func add(_ sources: Set<String>, flops: Int, bytes: Int) {
    self.sources.formUnion(sources)
    self.flops += flops
    self.bytes += bytes
  }
}

/// Which nodes of the file the nodes of the graph come from: one may become several.
struct NodeOrigins {
  private var entered: [UnusedNode] = []
  private var makers: [String: Int] = [:]

  /// Begins a node of the file.
  mutating func enter(_ title: String, _ operation: String) {
    entered.append(UnusedNode(node: title, operation: operation))
  }

  /// Says that the node of the file made one of the graph.
  mutating func made(_ node: String) { makers[node] = entered.count - 1 }

  /// Nodes of the file that became nodes of which the graph kept none.
  func unused(in graph: Graph) -> [UnusedNode] {
    let kept = Set(graph.nodes.compactMap { makers[$0.name] })
    return Set(makers.values).subtracting(kept).sorted().filter(entered.indices.contains)
      .map { entered[$0] }
  }
}
