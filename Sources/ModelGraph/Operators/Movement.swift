/// The same elements in the same order under another shape: ONNX Reshape, Flatten, Squeeze and
/// Unsqueeze once the shape is known.
package struct Reshape: OperatorFamily {
  /// The result's axis lengths.
  package var shape: TensorShape

  /// A change to that shape.
  package init(to shape: TensorShape) { self.shape = shape }

  package var name: String { "Reshape" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(
      inputs[0].shape.elementCount == shape.elementCount, "\(shape) has another number of elements")
    return [TensorType(shape, inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    [try inputs[0].reshaped(shape)]
  }
}

/// Elements repeated along axes of length 1 (ONNX Expand): broadcasting with a shape.
package struct Expand: OperatorFamily {
  /// The shape that the input is broadcast with.
  package var shape: TensorShape

  /// Repetition to that shape.
  package init(to shape: TensorShape) { self.shape = shape }

  package var name: String { "Expand" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    guard let result = inputs[0].shape.broadcast(with: shape) else {
      throw inputs.failure("it does not broadcast with \(shape)")
    }
    return [TensorType(result, inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let result = inputs[0].shape.broadcast(with: shape) ?? shape
    let map = IndexMap.broadcast(inputs[0].shape, to: result)
    return [try inputs[0].picked(map, shape: result)]
  }
}

/// The input repeated as a whole, so many times along each axis (ONNX Tile).
package struct Tile: OperatorFamily {
  /// Repetitions of each axis.
  package var repeats: [Int]

  /// So many repetitions.
  package init(repeats: [Int]) { self.repeats = repeats }

  package var name: String { "Tile" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      repeats.count == shape.rank && repeats.allSatisfy { $0 >= 0 },
      "\(repeats) is not one count for each axis")
    // The count of a shape stops at the largest number where a product would not.
    let lengths = zip(shape.dimensions, repeats).map { TensorShape([$0, $1]).elementCount }
    return [TensorType(TensorShape(lengths), inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    // Each axis becomes two: which repetition, and where within it.
    var (lengths, strides): ([Int], [Int]) = ([], [])
    for (axis, stride) in view.shape.strides.enumerated() {
      lengths += [repeats[axis], view.shape[axis]]
      strides += [0, stride]
    }
    let shape = TensorShape(zip(view.shape.dimensions, repeats).map { $0 * $1 })
    return [
      try view.picked(IndexMap.strided(TensorShape(lengths), strides: strides), shape: shape)
    ]
  }
}

/// Every `steps`-th element of a range of each axis (ONNX Slice once its ranges are known).
package struct StridedSlice: OperatorFamily {
  /// The first index of each axis.
  package var starts: [Int]
  /// Elements taken of each axis.
  package var counts: [Int]
  /// Distance of neighbours along each axis; negative walks backwards.
  package var steps: [Int]

  /// A slice of these ranges, one per axis.
  package init(starts: [Int], counts: [Int], steps: [Int]) {
    self.starts = starts
    self.counts = counts
    self.steps = steps
  }

  package var name: String { "Slice" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      starts.count == shape.rank && counts.count == shape.rank && steps.count == shape.rank,
      "the slice has not one range for each axis")
    for axis in 0..<shape.rank where counts[axis] > 0 {
      let last = starts[axis] + (counts[axis] - 1) * steps[axis]
      try inputs.require(
        (0..<shape[axis]).contains(starts[axis]) && (0..<shape[axis]).contains(last),
        "\(starts[axis]) to \(last) lies outside axis \(axis)")
    }
    try inputs.require(counts.allSatisfy { $0 >= 0 }, "a count is negative")
    return [TensorType(TensorShape(counts), inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let strides = inputs[0].shape.strides
    let offset = zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
    let map = IndexMap.strided(
      TensorShape(counts), strides: zip(steps, strides).map { $0 * $1 }, offset: offset)
    return [try inputs[0].picked(map, shape: TensorShape(counts))]
  }
}
