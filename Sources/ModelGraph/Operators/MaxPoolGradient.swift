/// The gradient of the maximum of each place of a window (`Pooling`). No ONNX operator.
///
/// Inputs X, the maxima Y and the loss's gradient dY in them. Each place hands its gradient to the
/// first of its elements, in the order of memory, that is as large as the maximum; an element that
/// several places see collects what each hands it.
package struct MaxPoolGradient: OperatorFamily {
  /// The window.
  package var window: SlidingWindow

  /// The gradient of the maxima of a window.
  package init(_ window: SlidingWindow) { self.window = window }

  package var name: String { "MaxPoolGradient" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let pooled = try Pooling(window, mode: .max).results(
      Operands([inputs[0]], of: Pooling(window, mode: .max), node: inputs.node))[0]
    for index in 1...2 {
      try inputs.require(
        inputs[index].shape == pooled.shape, "maxima and their gradient are \(pooled.shape)")
    }
    return [TensorType(inputs[0].shape, inputs[2].type)]
  }

  /// A comparison and an addition per tap.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    2 * inputs[1].shape.elementCount * window.taps
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let found = collected(inputs)
    return [try TensorView(found.sums, shape: inputs[0].shape, type: inputs[2].type)]
  }

  /// What each element collects, and the sum of its parts' sizes.
  private func collected(_ inputs: Operands<TensorView>) -> (sums: [Double], sizes: [Double]) {
    let (x, y, slope) = (inputs[0], inputs[1], inputs[2])
    let sizes = Array(x.shape.dimensions.suffix(window.rank))
    let places = window.places(sizes)
    let (inside, outside) = (sizes.reduce(1, *), places.reduce(1, *))
    var sums = [Double](repeating: 0, count: x.count)
    var parts = sums
    for place in 0..<outside {
      let sources = window.sources(place, sizes: sizes, places: places).map(\.index)
      for plane in 0..<y.count / max(1, outside) {
        let at = plane * outside + place
        guard let first = sources.first(where: { x[plane * inside + $0] == y[at] }) else {
          continue
        }
        sums[plane * inside + first] += slope[at]
        parts[plane * inside + first] += abs(slope[at])
      }
    }
    return (sums, parts)
  }

  /// A few additions in fp32, and what the gradients may be off.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let sizes = collected(inputs).sizes
    return indices.map {
      sizes[$0] * (Tolerance.factor * Tolerance.sum + tolerance.middle + inputs[2].uncertainty)
    }
  }
}
