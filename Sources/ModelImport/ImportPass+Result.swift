import ModelGraph
import ONNXSchema

extension ImportPass {
  /// The graph without what no output needs, verified.
  mutating func finish(_ scope: Scope) throws -> ImportedModel {
    var outputs: [ImportedOutput] = []
    for name in model.outputs {
      switch scope[name] {
      case .constant(let view, _)?: outputs.append(ImportedOutput(name: name, constant: view))
      case .tensor(let tensor, let type, _)?:
        let isInput = graph.tensor(tensor)?.role == .input
        outputs.append(
          ImportedOutput(name: name, tensor: isInput ? try copy(of: tensor, type, name) : tensor))
      default:
        throw ImportError.graph(
          path: model.path, error: .neverProduced(graph: graph.name, tensor: name))
      }
    }
    var result = try graph.pruned(to: Set(outputs.compactMap(\.tensor)))
    for tensor in outputs.compactMap(\.tensor) {
      if result.tensor(tensor)?.role == .intermediate { try result.mark(tensor, as: .output) }
    }
    try result.verify()
    try DeviceIntegers.refuseWide(result, path: model.path)
    return imported(result, outputs)
  }

  /// The nodes that could be read, of a model of which not all can be.
  func readablePart() throws -> ImportedModel {
    var result = graph
    let read = Set(result.nodes.flatMap(\.inputs))
    for name in result.nodes.flatMap(\.outputs) where !name.isEmpty && !read.contains(name) {
      try result.mark(name, as: .output)
    }
    return imported(result, [])
  }

  private func imported(_ result: Graph, _ outputs: [ImportedOutput]) -> ImportedModel {
    var imported = ImportedModel(
      graph: result, outputs: outputs, nodeCount: nodeCount, foldedCount: foldedCount,
      frozenInputs: options.foldsInputs ? [] : frozen.keys.sorted(), operators: operators)
    imported.hostNodes = hostNodes
    imported.unusedNodes = origins.unused(in: result)
    imported.nonFinite = nonFinite
    imported.unsupported = unsupported
    return imported
  }
}

extension Graph {
  /// The nodes and tensors that these tensors depend on.
  func pruned(to wanted: Set<String>) throws(GraphError) -> Graph {
    var needed = wanted
    var kept: [Node] = []
    for node in nodes.reversed()
    where node.outputs.contains(where: { !$0.isEmpty && needed.contains($0) }) {
      kept.append(node)
      needed.formUnion(node.inputs)
      needed.formUnion(node.outputs)
    }
    var result = Graph(name: name)
    for tensor in tensors where needed.contains(tensor.name) { try result.declare(tensor) }
    for node in kept.reversed() { result.append(node) }
    return result
  }
}
