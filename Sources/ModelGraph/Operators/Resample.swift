import Foundation

/// How one axis is resized: which elements each place of the result is made of, and in what shares.
package struct AxisResampling: Hashable, Sendable {
  /// The axis.
  package var axis: Int
  /// Elements that a place takes, place by place.
  package var sources: [[Int]]
  /// The share of each of them.
  package var weights: [[Double]]
  /// Places that lie outside the region and take the outer value.
  package var isOutside: [Bool]

  /// An axis of these sources.
  package init(axis: Int, sources: [[Int]], weights: [[Double]], isOutside: [Bool]) {
    self.axis = axis
    self.sources = sources
    self.weights = weights
    self.isOutside = isOutside
  }
}

/// Axes resized one after the other, each place a weighted sum of elements (ONNX Resize with
/// antialiasing, a region or excluded edges; the plain forms are `Operator.resize`).
package struct Resample: OperatorFamily {
  /// The axes that change, in order.
  package var axes: [AxisResampling]
  /// The value of places outside the region.
  package var outerValue: Double

  /// A resize along these axes.
  package init(axes: [AxisResampling], outerValue: Double = 0) {
    self.axes = axes
    self.outerValue = outerValue
  }

  package var name: String { "Resize" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    for axis in axes {
      let place = try inputs.axis(axis.axis, rank: shape.rank)
      try inputs.require(
        axis.sources.joined().allSatisfy { $0 >= 0 && $0 < shape[place] },
        "a source lies outside axis \(place)")
      shape.dimensions[place] = axis.sources.count
    }
    return [TensorType(shape, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let taps = axes.reduce(0) { $0 + ($1.weights.first?.count ?? 0) }
    return 2 * taps * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    var view = inputs[0]
    for axis in axes { view = try resized(view, axis) }
    return [try TensorView(view.allValues, shape: view.shape, type: inputs[0].type)]
  }

  private func resized(_ view: TensorView, _ axis: AxisResampling) throws(GraphError)
    -> TensorView
  {
    var shape = view.shape
    shape.dimensions[axis.axis] = axis.sources.count
    var values = [Double](repeating: 0, count: shape.elementCount)
    let lanes = zip(
      AxisLane.all(view.shape, axis: axis.axis), AxisLane.all(shape, axis: axis.axis))
    for (lane, target) in lanes {
      for place in axis.sources.indices {
        var sum = axis.isOutside[place] ? outerValue : 0
        if !axis.isOutside[place] {
          for (source, weight) in zip(axis.sources[place], axis.weights[place]) where weight != 0 {
            sum += weight * view[lane.start + source * lane.stride]
          }
        }
        values[target.start + place * target.stride] = sum
      }
    }
    return try TensorView(values, shape: shape, type: .float64)
  }
}
