/// swish(a) · b of two tensors of one shape (ONNX SwiGLU).
package struct GatedSwish: OperatorFamily {
  /// swish(a) is a · sigmoid(alpha · a).
  package var alpha: Double

  /// A gate with that factor.
  package init(alpha: Double = 1) { self.alpha = alpha }

  package var name: String { "SwiGLU" }
  package var inputCount: ClosedRange<Int> { 2...2 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape == inputs[1].shape, "both inputs have one shape")
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    6 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (a, b) = (inputs[0], inputs[1])
    let values = (0..<a.count).map { a[$0] * Elementwise.sigmoid(alpha * a[$0]) * b[$0] }
    return [try TensorView(values, shape: a.shape, type: a.type)]
  }
}
