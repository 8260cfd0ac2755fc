package import NumericFormats

/// Compares a device's output of one node with the float64 reference.
///
/// Small nodes are compared whole. Above `wholeBelowOperations` the reference is evaluated at
/// seeded
/// elements that touch every output tile, corners included, and a matrix product is projected
/// whole by a random vector besides.
package struct NumericsChecker: Sendable {
  /// Nodes of fewer operations are compared whole.
  package var wholeBelowOperations = 2_000_000_000
  /// At least so many elements are compared otherwise (fewer only when there are no more).
  package var sampleCount = 4_096
  /// The tile of the output that each must be touched: lengths of the last axes.
  package var outputTile = [128, 512]
  /// A format that kernels may round to between the steps of an operator; nil for
  /// `Rounding.usual`.
  package var intermediate: NumberFormat?
  /// True where the device stores values with stochastic rounding.
  package var isStochastic = false
  /// What samples and projection are drawn from.
  package var seed: UInt64

  /// A checker of these seeds and the usual sampling.
  package init(seed: UInt64) { self.seed = seed }

  /// Checks one node of a graph. `values` hands out the tensors by name: inputs as the device's
  /// kernel got them, the output as it left it.
  ///
  /// Throws `badValue` for a missing or misshapen tensor, and what shape inference finds.
  package func check(
    _ node: Node, in graph: Graph, rounding: Rounding? = nil,
    values: (String) -> TensorView?
  ) throws(GraphError) -> NumericsReport {
    var inputs: [TensorView] = []
    for name in node.inputs where !name.isEmpty {
      inputs.append(try value(name, of: graph, values))
    }
    let output = try value(node.outputs.first ?? "", of: graph, values)
    return try check(
      node.operation, named: node.name, inputs: inputs, output: output, rounding: rounding,
      operationCount: graph.evaluationCount(of: node))
  }

  /// Checks one application of an operator; see above.
  package func check(
    _ operation: Operator, named name: String, inputs: [TensorView], output: TensorView,
    rounding: Rounding? = nil, operationCount: Int = 0
  ) throws(GraphError) -> NumericsReport {
    let shape = try ShapeInference.result(of: operation, inputs: inputs, node: name)
    guard output.shape == shape else {
      throw .badValue(tensor: name, reason: "the output is \(output.shape), not \(shape)")
    }
    let isWhole = operationCount < wholeBelowOperations || shape.elementCount <= sampleCount
    let all = isWhole ? Array(0..<shape.elementCount) : samples(operation, shape: shape)
    let unspecified = try operation.unspecified(inputs)
    let indices = unspecified.isEmpty ? all : all.filter { !unspecified.contains($0) }
    let reference =
      isWhole && unspecified.isEmpty
      ? try Float64Interpreter.evaluate(operation, inputs: inputs)
      : try Float64Interpreter.evaluate(operation, inputs: inputs, at: indices)
    let rounding = rounding ?? self.rounding(operation, inputs: inputs, output: output)
    let tolerance = Tolerance(operation, inputs: inputs, shape: shape, rounding: rounding)
    let bounds = try tolerance.finiteBounds(at: indices, reference: reference)
    var projection: Projection?
    if case .matMul(let transposeA, let transposeB) = operation {
      projection = Projection.check(
        ProductOperands(inputs[0], inputs[1], transposeA, transposeB), output: output,
        rounding: rounding, seed: seed)
    }
    return NumericsReport(
      node: name, indices: indices, reference: reference, bounds: bounds,
      outputCount: output.count, projection: projection
    ) { output[$0] }
  }

  private func rounding(_ operation: Operator, inputs: [TensorView], output: TensorView)
    -> Rounding
  {
    var rounding = Rounding.usual(operation, inputs: inputs, output: output.format)
    if let intermediate { rounding.intermediate = intermediate }
    rounding.isStochastic = isStochastic
    return rounding
  }

  private func value(_ name: String, of graph: Graph, _ values: (String) -> TensorView?)
    throws(GraphError) -> TensorView
  {
    guard let view = values(name) else {
      throw .badValue(tensor: name, reason: "no value is given")
    }
    if let declared = graph.tensor(name), declared.shape != view.shape {
      throw .badValue(tensor: name, reason: "the value is \(view.shape), not \(declared.shape)")
    }
    return view
  }
}
