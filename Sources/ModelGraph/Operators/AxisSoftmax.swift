import Foundation

/// Operators that turn the elements along an axis into shares; the raw value is ONNX's name.
package enum SoftmaxKind: String, Hashable, Sendable, CaseIterable {
  /// exp(x) / Σ exp(x).
  case softmax = "Softmax"
  /// x − log Σ exp(x).
  case logSoftmax = "LogSoftmax"
  /// 1 at the first largest element, else 0.
  case hardmax = "Hardmax"
}

/// Softmax, LogSoftmax or Hardmax along any axis; softmax along the last one is `Operator.softmax`.
package struct AxisSoftmax: OperatorFamily {
  /// Which of them.
  package var kind: SoftmaxKind
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int
  /// True to take that axis and all after it as one (ONNX before opset 13).
  package var mergesAxes: Bool

  /// Shares along that axis.
  package init(_ kind: SoftmaxKind, axis: Int, mergesAxes: Bool = false) {
    self.kind = kind
    self.axis = axis
    self.mergesAxes = mergesAxes
  }

  package var name: String { kind.rawValue }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    if !mergesAxes { _ = try inputs.axis(axis, rank: inputs[0].shape.rank) }
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    (kind == .hardmax ? 1 : 5) * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    var values = [Double](repeating: 0, count: view.count)
    for lane in try lanes(inputs) {
      let row = view.vector(start: lane.start, stride: lane.stride, count: lane.count)
      for (position, value) in shares(row).enumerated() {
        values[lane.start + position * lane.stride] = value
      }
    }
    return [try TensorView(values, shape: view.shape, type: view.type)]
  }

  private func lanes(_ inputs: Operands<TensorView>) throws(GraphError) -> [AxisLane] {
    let shape = inputs[0].shape
    if mergesAxes {
      let first = axis < 0 ? axis + shape.rank : axis
      let count = shape.dimensions.dropFirst(first).reduce(1, *)
      let rows = shape.dimensions.prefix(first).reduce(1, *)
      return (0..<rows).map { AxisLane(start: $0 * count, stride: 1, count: count) }
    }
    return AxisLane.all(shape, axis: try inputs.axis(axis, rank: shape.rank))
  }

  private func shares(_ row: [Double]) -> [Double] {
    let largest = row.max() ?? 0
    switch kind {
    case .softmax: return Float64Interpreter.softmax(row)
    case .logSoftmax:
      let sum = log(row.reduce(0) { $0 + exp($1 - largest) })
      return row.map { $0 - largest - sum }
    case .hardmax:
      let first = row.firstIndex(of: largest)
      return row.indices.map { $0 == first ? 1 : 0 }
    }
  }

  /// As for a softmax along rows: exp's argument and a random walk of the sum.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    if kind == .hardmax { return indices.map { _ in 0 } }
    let view = tolerance.inputs[0]
    let operands = try Operands([TensorView?.some(view)], of: self, node: name)
    var result = [Double](repeating: 0, count: view.count)
    for lane in try lanes(operands) {
      let row = view.vector(start: lane.start, stride: lane.stride, count: lane.count)
      let size = row.reduce(0) { max($0, abs($1)) }
      let walk = Tolerance.factor * Tolerance.sum * Double(row.count).squareRoot()
      let argument = 4 * Tolerance.sum * size + 2 * view.absoluteUncertainty(size)
      let relative = 2 * tolerance.middle + Tolerance.function + walk + argument
      for position in row.indices { result[lane.start + position * lane.stride] = relative }
    }
    return zip(indices, reference).map { index, value in
      kind == .softmax
        ? result[index] * abs(value) : result[index] + 2 * Tolerance.sum * abs(value)
    }
  }
}

/// The elements along one axis at one place of all others.
struct AxisLane {
  var start: Int
  var stride: Int
  var count: Int

  /// Every lane of an axis, in row-major order of the others.
  static func all(_ shape: TensorShape, axis: Int) -> [AxisLane] {
    let strides = shape.strides
    let others = (0..<shape.rank).filter { $0 != axis }
    let starts = IndexMap.strided(
      TensorShape(others.map { shape[$0] }), strides: others.map { strides[$0] })
    return starts.map { AxisLane(start: $0, stride: strides[axis], count: shape[axis]) }
  }
}
