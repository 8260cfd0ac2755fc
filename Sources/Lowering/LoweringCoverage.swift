import ModelGraph

/// How much of a graph runs as device instructions, and what does not and why.
package struct LoweringCoverage: Hashable, Sendable {
  /// A node that no instruction carries out.
  package struct Exception: Hashable, Sendable {
    /// The node.
    package var node: String
    /// Its operator.
    package var operation: String
    /// Why no instruction runs.
    package var reason: String
  }

  /// Nodes of the graph.
  package private(set) var operators = 0
  /// Nodes that kernels carry out.
  package private(set) var operatorsOnDevice = 0
  /// Floating-point operations of the graph.
  package private(set) var flops = 0
  /// Of these, by kernels.
  package private(set) var flopsOnDevice = 0
  /// Bytes that the nodes read and make.
  package private(set) var bytes = 0
  /// Of these, by kernels.
  package private(set) var bytesOnDevice = 0
  /// Nodes without instructions.
  package private(set) var elsewhere: [Exception] = []

  init(_ graph: Graph, steps: [LoweredStep], views: [Node]) {
    let carried = Set(steps.flatMap { $0.nodes.map(\.name) })
    let viewed = Set(views.map(\.name))
    for node in graph.nodes {
      let count = graph.operationCount(of: node)
      // A view moves nothing by right.
      let moved =
        viewed.contains(node.name)
        ? 0 : (node.inputs + node.outputs).reduce(0) { $0 + (graph.tensor($1)?.sizeBytes ?? 0) }
      operators += 1
      flops += count
      bytes += moved
      if carried.contains(node.name) {
        operatorsOnDevice += 1
        flopsOnDevice += count
        bytesOnDevice += moved
      } else {
        elsewhere.append(
          Exception(
            node: node.name, operation: node.operation.name,
            reason: viewed.contains(node.name)
              ? Self.isEmpty(node, graph)
                ? "its result has no elements" : "a view: it names bytes that are there"
              : "no kernel takes it"))
      }
    }
  }

  private static func isEmpty(_ node: Node, _ graph: Graph) -> Bool {
    node.outputs.allSatisfy { graph.tensor($0)?.shape.elementCount ?? 0 == 0 }
  }
}

extension LoweredGraph {
  /// How much of the graph runs as device instructions.
  package var coverage: LoweringCoverage {
    LoweringCoverage(graph, steps: steps, views: views)
  }
}
