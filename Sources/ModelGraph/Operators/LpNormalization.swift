import Foundation

/// Each element over the norm of its axis (ONNX LpNormalization).
package struct LpNormalization: OperatorFamily {
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int
  /// 1 for the sum of sizes, 2 for the Euclidean norm.
  package var power: Int

  /// A normalisation along that axis.
  package init(axis: Int = -1, power: Int = 2) {
    self.axis = axis
    self.power = power
  }

  package var name: String { "LpNormalization" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    _ = try inputs.axis(axis, rank: inputs[0].shape.rank)
    try inputs.require(power == 1 || power == 2, "the power is 1 or 2")
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    3 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    var values = view.allValues
    for lane in AxisLane.all(view.shape, axis: axis) {
      let row = view.vector(start: lane.start, stride: lane.stride, count: lane.count)
      let size = power == 1 ? row.reduce(0) { $0 + abs($1) } : norm(row)
      // A row of zeros stays one.
      for place in row.indices {
        values[lane.start + place * lane.stride] = size == 0 ? 0 : row[place] / size
      }
    }
    return [try TensorView(values, shape: view.shape, type: view.type)]
  }
}

/// Each element over a power of the squares of its neighbour channels (ONNX LRN).
package struct LocalResponse: OperatorFamily {
  /// Channels that a square sum covers.
  package var size: Int
  /// ONNX's alpha.
  package var alpha: Double
  /// The power.
  package var beta: Double
  /// What is added to the scaled sum.
  package var bias: Double

  /// A normalisation of these attributes.
  package init(size: Int, alpha: Double, beta: Double, bias: Double) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  package var name: String { "LRN" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape.rank >= 2 && size > 0, "X has channels in its second axis")
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    (2 * size + 7) * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let channels = view.shape[1]
    var values = view.allValues
    for lane in AxisLane.all(view.shape, axis: 1) {
      let row = view.vector(start: lane.start, stride: lane.stride, count: lane.count)
      for channel in row.indices {
        let first = max(0, channel - (size - 1) / 2)
        let last = min(channels - 1, channel + (size - 1 + 1) / 2)
        let sum = row[first...last].reduce(0) { $0 + $1 * $1 }
        let base = bias + alpha / Double(size) * sum
        values[lane.start + channel * lane.stride] = row[channel] / pow(base, beta)
      }
    }
    return [try TensorView(values, shape: view.shape, type: view.type)]
  }
}
