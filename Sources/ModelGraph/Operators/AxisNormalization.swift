/// Layer or root-mean-square normalisation over an axis and all after it (ONNX LayerNormalization
/// and RMSNormalization).
///
/// Inputs X, scale and, for a layer normalisation, an optional bias, broadcast to X. Further
/// results of a layer normalisation are the means and the reciprocal deviations. The form over the
/// last axis with a bias is `Operator.layerNormalization`.
package struct AxisNormalization: OperatorFamily {
  /// True to subtract the mean first.
  package var centres: Bool
  /// The first axis that is normalised over, counted from the front or, negative, from the back.
  package var axis: Int
  /// What is added to the variance.
  package var epsilon: Double

  /// A normalisation from that axis on.
  package init(centres: Bool, axis: Int = -1, epsilon: Double = 1e-5) {
    self.centres = centres
    self.axis = axis
    self.epsilon = epsilon
  }

  package var name: String { centres ? "LayerNormalization" : "RMSNormalization" }
  package var inputCount: ClosedRange<Int> { 2...(centres ? 3 : 2) }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    let axis = try inputs.axis(self.axis, rank: shape.rank)
    for parameter in inputs.present.dropFirst() {
      try inputs.require(
        parameter.shape.broadcast(with: shape) == shape, "scale and bias broadcast to X")
    }
    if !centres { return [inputs[0]] }
    let moments = TensorShape(
      shape.dimensions.indices.map { $0 < axis ? shape[$0] : 1 })
    return [inputs[0], TensorType(moments, .float32), TensorType(moments, .float32)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    (centres ? 8 : 4) * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    let count = max(1, view.shape.dimensions.dropFirst(axis).reduce(1, *))
    let scale = places(inputs, 1)
    let bias = places(inputs, 2)
    var (values, means, reciprocals): ([Double], [Double], [Double]) = ([], [], [])
    values.reserveCapacity(view.count)
    for start in stride(from: 0, to: view.count, by: count) {
      let row = view.vector(start: start, stride: 1, count: count)
      let moments = RowMoments(row)
      let mean = centres ? moments.mean : 0
      let reciprocal =
        centres
        ? moments.reciprocalDeviation(epsilon: epsilon)
        : moments.reciprocalRootMeanSquare(epsilon: epsilon)
      for (position, x) in row.enumerated() {
        var value = (x - mean) * reciprocal * scale(start + position)
        if inputs.optional(2) != nil { value += bias(start + position) }
        values.append(value)
      }
      means.append(mean)
      reciprocals.append(reciprocal)
    }
    let result = try TensorView(values, shape: view.shape, type: view.type)
    if !centres { return [result] }
    let shape = TensorShape(view.shape.dimensions.indices.map { $0 < axis ? view.shape[$0] : 1 })
    return [
      result, try TensorView(means, shape: shape, type: .float32),
      try TensorView(reciprocals, shape: shape, type: .float32),
    ]
  }

  /// The element of a parameter that meets an element of X.
  private func places(_ inputs: Operands<TensorView>, _ index: Int) -> (Int) -> Double {
    guard let parameter = inputs.optional(index) else { return { _ in 1 } }
    let map = IndexMap.broadcast(parameter.shape, to: inputs[0].shape)
    return { parameter[map[$0]] }
  }

  /// The moments are random walks; a large mean cancels digits.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    let count = max(1, view.shape.dimensions.dropFirst(axis).reduce(1, *))
    let scale = places(inputs, 1)
    let bias = places(inputs, 2)
    let walk = Tolerance.factor * Tolerance.sum * Double(count).squareRoot()
    var known: [Int: RowMoments] = [:]
    return indices.map { index in
      let row = index / count
      let moments =
        known[row] ?? RowMoments(view.vector(start: row * count, stride: 1, count: count))
      known[row] = moments
      let mean = centres ? moments.mean : 0
      let reciprocal =
        centres
        ? moments.reciprocalDeviation(epsilon: epsilon)
        : moments.reciprocalRootMeanSquare(epsilon: epsilon)
      let centred = abs(view[index] - mean)
      let relative = tolerance.middle + Tolerance.function + walk
      let cancelled =
        centres ? walk * moments.meanSquare.squareRoot() + 2 * Tolerance.sum * abs(view[index]) : 0
      let added = inputs.optional(2) == nil ? 0 : 2 * Tolerance.sum * abs(bias(index))
      return abs(scale(index)) * reciprocal
        * (centred * relative + cancelled + 2 * view.absoluteUncertainty(view[index])) + added
    }
  }
}
