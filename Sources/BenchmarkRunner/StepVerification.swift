import ModelGraph
import NumericFormats

/// Checks what a kernel left in HBM against the float64 reference, given what it read from HBM.
///
/// A kernel that carries out several nodes leaves only the last one's tensor in memory. The tensors
/// between are then evaluated in float64 at the elements that the check needs, and are granted the
/// rounding of their declared format.
struct StepVerification {
  /// The flattened graph.
  let graph: Graph
  /// The nodes that the kernel carried out.
  let nodes: [Node]
  /// How outputs are sampled and compared.
  let checker: NumericsChecker
  /// The device's tensors by name; nil for tensors that never were in HBM.
  let device: (String) throws(GraphError) -> TensorView?

  /// One report per tensor that the kernel left in HBM.
  func reports() throws(GraphError) -> [NumericsReport] {
    var reports: [NumericsReport] = []
    for node in nodes {
      guard let name = node.outputs.first, let output = try device(name) else { continue }
      var inputs: [TensorView] = []
      for input in node.inputs {
        guard let value = try device(input) else { break }
        inputs.append(value)
      }
      if inputs.count == node.inputs.count {
        reports.append(
          try checker.check(
            node.operation, named: node.name, inputs: inputs, output: output,
            operationCount: graph.operationCount(of: node)))
      } else {
        reports.append(try fused(node, output))
      }
    }
    return reports
  }

  /// Checks a node with inputs that stayed on the chip, at sampled elements.
  private func fused(_ node: Node, _ output: TensorView) throws(GraphError) -> NumericsReport {
    let operations = nodes.reduce(0) { $0 + graph.operationCount(of: $1) }
    let indices =
      operations < checker.wholeBelowOperations
      ? Array(0..<output.count) : checker.samples(node.operation, shape: output.shape)
    guard isElementwise(node.operation) else {
      let inputs = try node.inputs.map { name throws(GraphError) in try whole(name) }
      return try checker.check(
        node.operation, named: node.name, inputs: inputs, output: output,
        operationCount: graph.operationCount(of: node))
    }
    let inputs = try operands(of: node, at: indices, shape: output.shape)
    let found = try TensorView(
      indices.map { output[$0] }, shape: [indices.count], format: output.format)
    let report = try checker.check(
      node.operation, named: node.name, inputs: inputs, output: found,
      operationCount: indices.count)
    return report.located(at: indices, outputCount: output.count)
  }

  /// A tensor in whole: the device's own, or evaluated from what the kernel read.
  private func whole(_ name: String) throws(GraphError) -> TensorView {
    if let value = try device(name) { return value }
    let tensor = try declaration(name)
    return try TensorView(
      values(name, at: Array(0..<tensor.shape.elementCount)), shape: tensor.shape,
      format: tensor.format, uncertainty: 2 * Roundoff.unit(of: tensor.format))
  }

  /// The inputs of an element-wise node at the elements of its result.
  private func operands(of node: Node, at indices: [Int], shape: TensorShape) throws(GraphError)
    -> [TensorView]
  {
    var operands: [TensorView] = []
    for input in node.inputs {
      let tensor = try declaration(input)
      let own = indices.map { tensor.shape.sourceIndex(of: $0, in: shape) }
      let isOnChip = try device(input) == nil
      operands.append(
        try TensorView(
          values(input, at: own), shape: [indices.count], format: tensor.format,
          uncertainty: isOnChip ? 2 * Roundoff.unit(of: tensor.format) : 0))
    }
    return operands
  }

  /// Elements of a tensor, evaluated back to what the kernel read from HBM.
  private func values(_ name: String, at indices: [Int]) throws(GraphError) -> [Double] {
    if let value = try device(name) { return indices.map { value[$0] } }
    guard let node = nodes.first(where: { $0.outputs.contains(name) }) else {
      throw .badValue(tensor: name, reason: "no kernel of this step makes it")
    }
    if isElementwise(node.operation) {
      let shape = try declaration(name).shape
      let inputs = try operands(of: node, at: indices, shape: shape)
      return try Float64Interpreter.evaluate(node.operation, inputs: inputs)
    }
    let inputs = try node.inputs.map { input throws(GraphError) in try whole(input) }
    return try Float64Interpreter.evaluate(node.operation, inputs: inputs, at: indices)
  }

  private func declaration(_ name: String) throws(GraphError) -> TensorDeclaration {
    guard let tensor = graph.tensor(name) else {
      throw .badValue(tensor: name, reason: "the graph does not declare it")
    }
    return tensor
  }

  private func isElementwise(_ operation: Operator) -> Bool {
    switch operation {
    case .add, .multiply, .silu, .sigmoid, .relu, .reluGradient, .copy, .gradientDescent: true
    default: false
    }
  }
}
