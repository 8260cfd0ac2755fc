/// The maximum or the average of each place of a window (ONNX MaxPool, AveragePool and their global
/// forms, whose window is the whole plane).
///
/// The window slides over the last axes; all axes before them stay as they are, so that any image
/// layout fits. Padding takes no part, unless an average counts it as zeros.
package struct Pooling: OperatorFamily {
  /// How a window combines.
  package enum Mode: Hashable, Sendable {
    /// The largest element.
    case max
    /// The mean; with `countsPadding` zeros outside count (ONNX count_include_pad).
    case average(countsPadding: Bool)
  }

  /// The window.
  package var window: SlidingWindow
  /// How it combines.
  package var mode: Mode

  /// Pooling with a window.
  package init(_ window: SlidingWindow, mode: Mode) {
    self.window = window
    self.mode = mode
  }

  package var name: String { mode == .max ? "MaxPool" : "AveragePool" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { mode == .max }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(window.isValid, "the window's lists do not fit each other")
    try inputs.require(shape.rank >= window.rank, "X has at least the window's \(window.rank) axes")
    let sizes = Array(shape.dimensions.suffix(window.rank))
    let places = window.places(sizes)
    try inputs.require(places.allSatisfy { $0 > 0 }, "the window is larger than X")
    return [
      TensorType(
        TensorShape(shape.dimensions.dropLast(window.rank) + places), inputs[0].type)
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    results[0].shape.elementCount * window.taps
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let shape = try results(types(inputs))[0].shape
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: view.type)]
  }

  private func types(_ inputs: Operands<TensorView>) throws(GraphError) -> Operands<TensorType> {
    try Operands(
      [TensorType(inputs[0].shape, inputs[0].type)], of: self, node: inputs.node)
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    windows(inputs[0], indices).map { window in
      switch mode {
      case .max:
        return window.values.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : Swift.max($0, $1) }
      case .average: return window.values.reduce(0, +) / Double(window.count)
      }
    }
  }

  /// The elements in each window, and how many an average divides by.
  private func windows(_ view: TensorView, _ indices: [Int]) -> [(values: [Double], count: Int)] {
    let sizes = Array(view.shape.dimensions.suffix(window.rank))
    let places = window.places(sizes)
    let (inside, outside) = (sizes.reduce(1, *), places.reduce(1, *))
    var known: [Int: [Int]] = [:]
    return indices.map { index in
      let (plane, place) = index.quotientAndRemainder(dividingBy: outside)
      let sources =
        known[place]
        ?? window.sources(place, sizes: sizes, places: places).map(\.index)
      known[place] = sources
      let values = sources.map { view[plane * inside + $0] }
      return (values, mode == .average(countsPadding: true) ? padded(place, sizes) : values.count)
    }
  }

  /// Taps of a place that lie in the axis or its padding.
  private func padded(_ place: Int, _ sizes: [Int]) -> Int {
    let places = window.places(sizes)
    var rest = place
    var count = 1
    for axis in stride(from: window.rank - 1, through: 0, by: -1) {
      let position = rest % places[axis]
      rest /= places[axis]
      count *= (0..<window.kernel[axis]).count {
        window.source(axis, place: position, tap: $0) < sizes[axis] + window.after[axis]
      }
    }
    return count
  }

  /// An average is a product with a column of equal shares, whose norm is 1/√K: 4 · u · √K times
  /// both norms.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    guard mode != .max else {
      let view = tolerance.inputs[0]
      return reference.map { view.absoluteUncertainty($0) }
    }
    let view = tolerance.inputs[0]
    return zip(windows(view, indices), reference).map { window, value in
      let depth = Double(max(1, window.values.count)).squareRoot()
      let norm =
        window.values.reduce(0) { $0 + $1 * $1 }.squareRoot() * depth / Double(window.count)
      return Tolerance.factor
        * (Tolerance.sum * depth + (view.uncertainty + tolerance.middle) / depth) * norm
        + 2 * Tolerance.sum * abs(value)
    }
  }
}
