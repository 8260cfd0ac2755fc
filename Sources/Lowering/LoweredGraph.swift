package import InstructionSet
package import ModelGraph

/// One invocation of the program and the part of the graph that it carries out.
package struct LoweredStep: Sendable {
  /// The kernel's name.
  package var kernel: String
  /// The nodes that it carries out, in order; tensor names are those of the flattened graph. A
  /// kernel that only prepares another one has none.
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
  /// Nodes that only look at memory differently: no instruction carries them out.
  package var views: [Node]
  /// Where old state is kept for a check: new state that a kernel makes of it in place, and the
  /// state whose values lie there before.
  package var prefilled: [String: String] = [:]

  /// Floating-point operations of the graph as it was given, before anything was written in other
  /// operators or folded.
  package var operationCount = 0

  /// What is in memory before the program runs: tensors that are given, and where their values lie.
  package var fillings: [(tensor: TensorDeclaration, allocation: Int)] {
    let places =
      graph.givenTensors.map { ($0.name, $0) }
      + prefilled.sorted { $0.key < $1.key }
      .compactMap { copy in graph.tensor(copy.value).map { (copy.key, $0) } }
    return places.compactMap { name, tensor in allocations[name].map { (tensor, $0) } }
  }

  /// Bytes of HBM that the tensors take.
  package var footprintBytes: Int { program.hbmBytes }
}

/// A node that no kernel carries out.
package struct UnsupportedNode: Hashable, Sendable {
  /// The node's name.
  package var node: String
  /// Its operator.
  package var operation: String
  /// Why not.
  package var reason: String
}

/// How a graph exceeds the device memory.
package struct MemoryOverflow: Hashable, Sendable {
  /// Bytes that the tensors take together.
  package var bytes: Int
  /// Bytes that one core can have.
  package var limit: Int
  /// Bytes of inputs, weights and state.
  package var givenBytes: Int
  /// The largest tensor.
  package var largest: String
  /// Its bytes.
  package var largestBytes: Int
  /// The longest first axis of an input: no batch is larger.
  package var largestBatch: Int

  /// By how much, and what would fit.
  var text: String {
    let missing = bytes - limit
    let given = MemoryOverflow.size(givenBytes)
    let room = max(1, limit - givenBytes)
    let factor = (bytes - givenBytes + room - 1) / room
    let advice =
      givenBytes > limit
      ? "inputs and weights alone take \(given): a format of half the size, or the weights dealt "
        + "over \((givenBytes + limit - 1) / limit) cores, would fit"
      : "inputs and weights take \(given) of it, results on the way the rest: "
        + (factor <= largestBatch
          ? "a batch \(factor) times smaller would fit"
          : "a format of half the size or smaller inputs may fit")
    return "the tensors take \(MemoryOverflow.size(bytes)) of HBM, "
      + "\(MemoryOverflow.size(missing)) more than the \(MemoryOverflow.size(limit)) that a core "
      + "can have; \(advice). The largest is '\(largest)' with \(MemoryOverflow.size(largestBytes))"
  }

  /// The same of a rank's part of a model, with what the whole would take.
  package func text(ranks: Int, coresPerChip: Int) -> String {
    let chip = limit * coresPerChip
    let chips = (bytes * ranks + chip - 1) / chip
    let advice =
      ranks < coresPerChip
      ? "more cores of the chip, weights of half the size or a smaller batch would fit"
      : "weights of half the size or a smaller batch would fit, or \(chips) chips, which this "
        + "model does not join yet"
    return "each of \(ranks) cores needs \(MemoryOverflow.size(bytes)) of HBM, "
      + "\(MemoryOverflow.size(bytes - limit)) more than the \(MemoryOverflow.size(limit)) that "
      + "it has beside its neighbours; \(advice). The largest tensor is '\(largest)' with "
      + MemoryOverflow.size(largestBytes)
  }

  private static func size(_ bytes: Int) -> String {
    let tenths = (bytes * 10 + (1 << 29)) >> 30
    if tenths >= 10 { return "\(tenths / 10).\(tenths % 10) GiB" }
    return bytes >= 1 << 20 ? "\((bytes + (1 << 19)) >> 20) MiB" : "\(bytes) bytes"
  }
}

/// Why a graph cannot be turned into a program.
package enum LoweringError: Error, CustomStringConvertible, Sendable {
  /// No kernel carries out the node as it stands.
  case unsupported(node: String, operation: String, reason: String)
  /// All nodes that no kernel carries out, when there are several.
  case unsupportedNodes([UnsupportedNode])
  /// A kernel could not be built for the shapes.
  case kernel(node: String, reason: String)
  /// The tensors do not fit into the device memory.
  case tooLarge(MemoryOverflow)
  /// The graph is wrong.
  case graph(GraphError)

  /// What cannot be done, where and why.
  package var description: String {
    switch self {
    case .unsupported(let node, let operation, let reason):
      "no kernel carries out \(operation) of node '\(node)': \(reason)"
    case .unsupportedNodes(let nodes):
      "no kernel carries out \(nodes.count) nodes:"
        + nodes.map { "\n  \($0.operation) of node '\($0.node)': \($0.reason)" }.joined()
    case .kernel(let node, let reason): "the kernel of node '\(node)' cannot be built: \(reason)"
    case .tooLarge(let overflow): overflow.text
    case .graph(let error): error.description
    }
  }
}
