/// alpha · A · B + beta · C of two matrices (ONNX Gemm); C is optional and broadcast to the result.
package struct Gemm: OperatorFamily {
  /// What the product is multiplied by.
  package var alpha: Double
  /// What C is multiplied by.
  package var beta: Double
  /// True when A is stored `[K, M]`.
  package var transposeA: Bool
  /// True when B is stored `[N, K]`.
  package var transposeB: Bool

  /// A product of operands that are stored so.
  package init(
    alpha: Double = 1, beta: Double = 1, transposeA: Bool = false, transposeB: Bool = false
  ) {
    self.alpha = alpha
    self.beta = beta
    self.transposeA = transposeA
    self.transposeB = transposeB
  }

  package var name: String { "Gemm" }
  package var inputCount: ClosedRange<Int> { 2...3 }

  private var product: BatchMatMul {
    BatchMatMul(transposeA: transposeA, transposeB: transposeB)
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(
      inputs[0].shape.rank == 2 && inputs[1].shape.rank == 2, "A and B are matrices")
    let shape = try product.plan(inputs, inputs[0].shape, inputs[1].shape).result
    if let c = inputs.optional(2) {
      try inputs.require(
        c.shape.broadcast(with: shape) == shape, "C does not broadcast to \(shape)")
    }
    return [TensorType(shape, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let depth = transposeA ? inputs[0].shape[0] : inputs[0].shape.columnCount
    let others = (inputs.optional(2) == nil ? 0 : 1) + (alpha == 1 ? 0 : 1) + (beta == 1 ? 0 : 1)
    return (2 * depth + others) * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let operands = try Operands(Array(inputs.values.prefix(2)), of: product, node: inputs.node)
    let sums = try product.evaluate(operands)[0]
    let places = inputs.optional(2).map { IndexMap.broadcast($0.shape, to: sums.shape) }
    let values = (0..<sums.count).map { index in
      var value = alpha * sums[index]
      if let c = inputs.optional(2), let places { value += beta * c[places[index]] }
      return value
    }
    return [try TensorView(values, shape: sums.shape, type: sums.type)]
  }

  /// The product's bound, and roundings of both parts.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let product = try product.bounds(tolerance, at: indices, reference: reference)
    let c = tolerance.inputs.count > 2 ? tolerance.inputs[2] : nil
    return indices.indices.map { position in
      var part = 0.0
      if let c {
        let element = c[c.shape.sourceIndex(of: indices[position], in: tolerance.shape)]
        part = abs(beta) * (2 * Tolerance.sum * abs(element) + c.absoluteUncertainty(element))
      }
      return abs(alpha) * product[position] + part + 2 * Tolerance.sum * abs(reference[position])
    }
  }
}
