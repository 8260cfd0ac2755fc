/// Blocks of places moved to channels or back (ONNX SpaceToDepth and DepthToSpace).
package struct BlockShuffle: OperatorFamily {
  /// Places of a block along each axis.
  package var size: Int
  /// True from places to channels.
  package var toDepth: Bool
  /// True when the channels of the image are the outer ones of the depth (ONNX's mode CRD).
  package var channelsFirst: Bool

  /// A move of blocks of that size.
  package init(size: Int, toDepth: Bool, channelsFirst: Bool = false) {
    self.size = size
    self.toDepth = toDepth
    self.channelsFirst = channelsFirst
  }

  package var name: String { toDepth ? "SpaceToDepth" : "DepthToSpace" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(shape.rank == 4 && size > 0, "X is [images, channels, rows, columns]")
    if toDepth {
      try inputs.require(
        shape[2] % size == 0 && shape[3] % size == 0, "blocks of \(size) do not divide the image")
    } else {
      try inputs.require(
        shape[1] % (size * size) == 0, "blocks of \(size) do not divide the channels")
    }
    return [TensorType(result(shape), inputs[0].type)]
  }

  private func result(_ shape: TensorShape) -> TensorShape {
    toDepth
      ? [shape[0], shape[1] * size * size, shape[2] / size, shape[3] / size]
      : [shape[0], shape[1] / (size * size), shape[2] * size, shape[3] * size]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape = inputs[0].shape
    let split: TensorShape
    let order: [Int]
    if toDepth {
      split = [shape[0], shape[1], shape[2] / size, size, shape[3] / size, size]
      order = channelsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]
    } else if channelsFirst {
      split = [shape[0], shape[1] / (size * size), size, size, shape[2], shape[3]]
      order = [0, 1, 4, 2, 5, 3]
    } else {
      split = [shape[0], size, size, shape[1] / (size * size), shape[2], shape[3]]
      order = [0, 3, 4, 1, 5, 2]
    }
    return [
      try inputs[0].picked(IndexMap.transposed(split, order), shape: result(shape))
    ]
  }
}

/// The first elements along a time axis in reverse order, as many as each sequence has (ONNX
/// ReverseSequence): inputs X and the lengths.
package struct ReverseSequence: OperatorFamily {
  /// The axis of sequences, 0 or 1.
  package var batchAxis: Int
  /// The axis of time, the other one.
  package var timeAxis: Int

  /// A reversal along the time axis.
  package init(batchAxis: Int, timeAxis: Int) {
    self.batchAxis = batchAxis
    self.timeAxis = timeAxis
  }

  package var name: String { "ReverseSequence" }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      shape.rank >= 2 && Set([batchAxis, timeAxis]) == [0, 1]
        && inputs[1].shape.elementCount == shape[batchAxis],
      "the axes are 0 and 1, with one length per sequence")
    return [inputs[0]]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape = inputs[0].shape
    let inner = shape.dimensions.dropFirst(2).reduce(1, *)
    let lengths = inputs[1].integerValues
    var sources: [Int] = []
    for index in 0..<inputs[0].count {
      let outer = index / inner
      var place = [outer / shape[1], outer % shape[1]]
      let length = Int(clamping: lengths[place[batchAxis]])
      guard (0...shape[timeAxis]).contains(length) else {
        throw inputs.failure("\(length) is longer than the axis")
      }
      if place[timeAxis] < length { place[timeAxis] = length - 1 - place[timeAxis] }
      sources.append((place[0] * shape[1] + place[1]) * inner + index % inner)
    }
    return [try inputs[0].picked(sources, shape: shape)]
  }
}
