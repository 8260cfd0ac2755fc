package import InstructionSet
package import ModelGraph

/// One invocation of the program and the part of the graph that it carries out.
package struct LoweredStep: Sendable {
  /// The kernel's name.
  package var kernel: String
  /// The nodes that it carries out, in order; tensor names are those of the flattened graph.
  package var nodes: [Node]
  /// The layer that they belong to, or empty.
  package var layer: String
}

/// A graph turned into a program of kernels.
package struct LoweredGraph: Sendable {
  /// The graph with every call replaced by the nodes of its function.
  package var graph: Graph
  /// Kernels, invocations and tensors.
  package var program: Program
  /// The allocation of each tensor that lies in HBM. Tensors between fused nodes have none.
  package var allocations: [String: Int]
  /// One per invocation, in order.
  package var steps: [LoweredStep]

  /// Bytes of HBM that the tensors take.
  package var footprintBytes: Int { program.hbmBytes }
}

/// Why a graph cannot be turned into a program.
package enum LoweringError: Error, CustomStringConvertible, Sendable {
  /// No kernel carries out the node as it stands.
  case unsupported(node: String, operation: String, reason: String)
  /// A kernel could not be built for the shapes.
  case kernel(node: String, reason: String)
  /// The tensors do not fit into the device memory.
  case tooLarge(bytes: Int, limit: Int)
  /// The graph is wrong.
  case graph(GraphError)

  /// What cannot be done, where and why.
  package var description: String {
    switch self {
    case .unsupported(let node, let operation, let reason):
      "no kernel carries out \(operation) of node '\(node)': \(reason)"
    case .kernel(let node, let reason): "the kernel of node '\(node)' cannot be built: \(reason)"
    case .tooLarge(let bytes, let limit):
      "the tensors take \(bytes) bytes of HBM; the device has \(limit)"
    case .graph(let error): error.description
    }
  }
}
