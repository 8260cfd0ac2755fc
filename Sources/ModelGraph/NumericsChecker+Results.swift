extension NumericsChecker {
  /// Checks a result behind the first one: whole numbers and moved elements exactly, sums of an
  /// operator's own moments as a walk of fp32 roundings.
  ///
  /// Throws `badValue` for a misshapen output, and what shape inference finds.
  package func check(
    result index: Int, of operation: Operator, named name: String, inputs: [TensorView],
    output: TensorView
  ) throws(GraphError) -> NumericsReport {
    let results = try Float64Interpreter.results(
      operation, inputs: inputs.map { TensorView?.some($0) }, node: name)
    guard results.indices.contains(index), results[index].shape == output.shape else {
      throw .badValue(tensor: name, reason: "result \(index) is \(output.shape)")
    }
    let reference = results[index].allValues
    let isExact = output.type.isInteger || operation.family?.movesOnly == true
    let walk = Tolerance.factor * Tolerance.sum * Double(inputs[0].count).squareRoot()
    let size = inputs[0].allValues.reduce(0) { max($0, abs($1)) }
    let unit = Roundoff.unit(of: output.format)
    let bounds = reference.map {
      isExact ? 0 : walk * (size + abs($0)) + (Tolerance.function + unit) * abs($0)
    }
    return NumericsReport(
      node: "\(name)[\(index)]", indices: Array(reference.indices), reference: reference,
      bounds: bounds, outputCount: output.count, projection: nil
    ) { output[$0] }
  }
}
