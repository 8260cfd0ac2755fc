/// Where along an axis the largest or the smallest element stands (ONNX ArgMax and ArgMin).
package struct ArgExtreme: OperatorFamily {
  /// True for the largest, false for the smallest.
  package var seeksLargest: Bool
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int
  /// True when the axis stays with length 1.
  package var keepsDimensions: Bool
  /// True to take the last of equal elements, not the first.
  package var prefersLast: Bool

  /// A search along that axis.
  package init(seeksLargest: Bool, axis: Int, keepsDimensions: Bool, prefersLast: Bool = false) {
    self.seeksLargest = seeksLargest
    self.axis = axis
    self.keepsDimensions = keepsDimensions
    self.prefersLast = prefersLast
  }

  package var name: String { seeksLargest ? "ArgMax" : "ArgMin" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  private func result(_ shape: TensorShape, _ axis: Int) -> TensorShape {
    var lengths = shape.dimensions
    if keepsDimensions { lengths[axis] = 1 } else { lengths.remove(at: axis) }
    return TensorShape(lengths)
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let axis = try inputs.axis(self.axis, rank: inputs[0].shape.rank)
    return [TensorType(result(inputs[0].shape, axis), .int64)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    let found = AxisLane.all(view.shape, axis: axis).map { lane in
      let row = view.vector(start: lane.start, stride: lane.stride, count: lane.count)
      let best = seeksLargest ? row.max() : row.min()
      let place = prefersLast ? row.lastIndex { $0 == best } : row.firstIndex { $0 == best }
      return Int64(place ?? 0)
    }
    return [try TensorView(integers: found, shape: result(view.shape, axis), type: .int64)]
  }
}

/// The `count` largest or smallest elements along an axis and where they stand (ONNX TopK).
package struct TopK: OperatorFamily {
  /// How many are taken.
  package var count: Int
  /// The axis, counted from the front or, negative, from the back.
  package var axis: Int
  /// True for the largest, false for the smallest.
  package var seeksLargest: Bool
  /// True when results are in order; equal elements stand in the order of their places.
  package var isSorted: Bool

  /// A choice along that axis.
  package init(count: Int, axis: Int = -1, seeksLargest: Bool = true, isSorted: Bool = true) {
    self.count = count
    self.axis = axis
    self.seeksLargest = seeksLargest
    self.isSorted = isSorted
  }

  package var name: String { "TopK" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    let axis = try inputs.axis(self.axis, rank: shape.rank)
    try inputs.require(
      (0...shape[axis]).contains(count), "\(count) elements are more than the axis has")
    shape.dimensions[axis] = count
    return [TensorType(shape, inputs[0].type), TensorType(shape, .int64)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    let axis = try inputs.axis(self.axis, rank: view.shape.rank)
    var shape = view.shape
    shape.dimensions[axis] = count
    let targets = AxisLane.all(shape, axis: axis)
    var sources = [Int](repeating: 0, count: shape.elementCount)
    var places = [Int64](repeating: 0, count: shape.elementCount)
    for (lane, target) in zip(AxisLane.all(view.shape, axis: axis), targets) {
      let row = view.vector(start: lane.start, stride: lane.stride, count: lane.count)
      for (rank, place) in order(row).prefix(count).enumerated() {
        let index = target.start + rank * target.stride
        sources[index] = lane.start + place * lane.stride
        places[index] = Int64(place)
      }
    }
    return [
      try view.picked(sources, shape: shape),
      try TensorView(integers: places, shape: shape, type: .int64),
    ]
  }

  /// Places by value, equal ones by place; NaN counts as larger than all.
  private func order(_ row: [Double]) -> [Int] {
    row.indices.sorted { a, b in
      let (x, y) = (row[a].isNaN ? .infinity : row[a], row[b].isNaN ? .infinity : row[b])
      return x == y ? a < b : seeksLargest ? x > y : x < y
    }
  }
}
