import NumericFormats

extension Float64Interpreter {
  /// Every tensor of a graph from its given ones, in float64 throughout: nothing is rounded between
  /// nodes.
  ///
  /// Throws `badValue` for a given tensor that is missing or misshapen, and what `verify` finds.
  package static func evaluate(_ graph: Graph, given: [String: TensorView]) throws(GraphError)
    -> [String: TensorView]
  {
    try graph.verify()
    var values: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      guard let value = given[tensor.name] else {
        throw .badValue(tensor: tensor.name, reason: "no value is given")
      }
      guard value.shape == tensor.shape else {
        throw .badValue(
          tensor: tensor.name, reason: "the value is \(value.shape), not \(tensor.shape)")
      }
      values[tensor.name] = value
    }
    try evaluate(graph.nodes, of: graph, into: &values)
    return values
  }

  private static func evaluate(
    _ nodes: [Node], of graph: Graph, into values: inout [String: TensorView]
  ) throws(GraphError) {
    for node in nodes {
      let inputs = node.inputs.map { values[$0] }
      if case .call(let name) = node.operation, let function = graph.function(name) {
        let names = function.givenTensors.map(\.name)
        let bound = Dictionary(zip(names, inputs.compactMap { $0 })) { first, _ in first }
        let made = try evaluate(function, given: bound)
        for (output, formal) in zip(node.outputs, function.outputTensors) {
          values[output] = made[formal.name]
        }
        continue
      }
      let made = try results(node.operation, inputs: inputs, node: node.name)
      for (output, value) in zip(node.outputs, made) {
        guard let declaration = graph.tensor(output) else { continue }
        values[output] =
          declaration.type == value.type
          ? value
          : try TensorView(value.allValues, shape: declaration.shape, type: declaration.type)
      }
    }
  }
}
