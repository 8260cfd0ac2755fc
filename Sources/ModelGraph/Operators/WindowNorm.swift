import Foundation

/// The norm of each place of a window (ONNX LpPool).
package struct WindowNorm: OperatorFamily {
  /// The window.
  package var window: SlidingWindow
  /// The power of the norm.
  package var power: Int

  /// Norms of a window.
  package init(_ window: SlidingWindow, power: Int = 2) {
    self.window = window
    self.power = power
  }

  package var name: String { "LpPool" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  private var sum: Pooling { Pooling(window, mode: .average(countsPadding: false)) }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try sum.results(inputs)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let type = TensorType(view.shape, view.type)
    let shape = try results(Operands([type], of: self, node: inputs.node))[0].shape
    let sizes = Array(view.shape.dimensions.suffix(window.rank))
    let places = window.places(sizes)
    let (inside, outside) = (sizes.reduce(1, *), places.reduce(1, *))
    let tables = (0..<outside).map { window.sources($0, sizes: sizes, places: places) }
    let values = (0..<shape.elementCount).map { index in
      let (plane, place) = index.quotientAndRemainder(dividingBy: outside)
      let total = tables[place].reduce(0.0) {
        $0 + pow(abs(view[plane * inside + $1.index]), Double(power))
      }
      return pow(total, 1 / Double(power))
    }
    return [try TensorView(values, shape: shape, type: view.type)]
  }
}

/// The largest element of each place of a window and its flat index in X (ONNX MaxPool with
/// indices).
package struct IndexedMaxPool: OperatorFamily {
  /// The window.
  package var window: SlidingWindow
  /// True to count indices with rows innermost (ONNX storage_order 1).
  package var countsColumnsFirst: Bool

  /// Maxima of a window.
  package init(_ window: SlidingWindow, countsColumnsFirst: Bool = false) {
    self.window = window
    self.countsColumnsFirst = countsColumnsFirst
  }

  package var name: String { "MaxPool" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let first = try Pooling(window, mode: .max).results(inputs)[0]
    return [first, TensorType(first.shape, .int64)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let type = TensorType(view.shape, view.type)
    let shape = try results(Operands([type], of: self, node: inputs.node))[0].shape
    let sizes = Array(view.shape.dimensions.suffix(window.rank))
    let places = window.places(sizes)
    let (inside, outside) = (sizes.reduce(1, *), places.reduce(1, *))
    let tables = (0..<outside).map { window.sources($0, sizes: sizes, places: places).map(\.index) }
    var chosen: [Int] = []
    var shown: [Int64] = []
    for index in 0..<shape.elementCount {
      let (plane, place) = index.quotientAndRemainder(dividingBy: outside)
      let best = tables[place].max { view[plane * inside + $0] < view[plane * inside + $1] } ?? 0
      // `max` takes the last of equals; ONNX the first.
      let value = view[plane * inside + best]
      let first = tables[place].first { view[plane * inside + $0] == value } ?? best
      chosen.append(plane * inside + first)
      shown.append(Int64(plane * inside + transposed(first, sizes)))
    }
    return [
      try view.picked(chosen, shape: shape),
      try TensorView(integers: shown, shape: shape, type: .int64),
    ]
  }

  private func transposed(_ index: Int, _ sizes: [Int]) -> Int {
    guard countsColumnsFirst else { return index }
    var (rest, place, step) = (index, 0, sizes.reduce(1, *))
    for length in sizes.reversed() {
      step /= length
      place += rest % length * step
      rest /= length
    }
    return place
  }
}
