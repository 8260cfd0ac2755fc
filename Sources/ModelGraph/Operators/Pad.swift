/// What stands outside a padded tensor; the raw value is ONNX's word.
package enum PadMode: String, Hashable, Sendable, CaseIterable {
  /// One value everywhere.
  case constant
  /// The elements mirrored at the edge, which is not repeated.
  case reflect
  /// The nearest element of the edge.
  case edge
  /// The elements from the other end.
  case wrap
}

/// A tensor with elements added, or cut off, at both ends of each axis (ONNX Pad).
package struct Pad: OperatorFamily {
  /// Elements added before each axis; negative ones are cut off.
  package var before: [Int]
  /// Elements added after each axis; negative ones are cut off.
  package var after: [Int]
  /// What the added elements are.
  package var mode: PadMode
  /// The value of added elements in mode constant.
  package var value: Double

  /// Padding of one pair of counts per axis.
  package init(before: [Int], after: [Int], mode: PadMode = .constant, value: Double = 0) {
    self.before = before
    self.after = after
    self.mode = mode
    self.value = value
  }

  package var name: String { "Pad" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { true }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      before.count == shape.rank && after.count == shape.rank, "not one pair for each axis")
    let lengths = (0..<shape.rank).map { shape[$0] + before[$0] + after[$0] }
    try inputs.require(lengths.allSatisfy { $0 >= 0 }, "more is cut off than there is")
    if mode != .constant {
      try inputs.require(shape.elementCount > 0, "there is nothing to repeat")
    }
    return [TensorType(TensorShape(lengths), inputs[0].type)]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    var indices = [0]
    for (axis, stride) in view.shape.strides.enumerated() {
      let length = view.shape[axis]
      let places = (-before[axis]..<length + after[axis]).map { source($0, length) }
      var next: [Int] = []
      next.reserveCapacity(indices.count * places.count)
      for index in indices {
        for place in places { next.append(index < 0 || place < 0 ? -1 : index + place * stride) }
      }
      indices = next
    }
    let shape = TensorShape(
      view.shape.dimensions.indices.map { view.shape[$0] + before[$0] + after[$0] })
    return [try view.picked(indices, shape: shape, fill: value)]
  }

  /// The element of an axis that stands at a place in or outside it; −1 for the constant.
  private func source(_ place: Int, _ length: Int) -> Int {
    if (0..<length).contains(place) { return place }
    switch mode {
    case .constant: return -1
    case .edge: return min(max(place, 0), length - 1)
    case .wrap: return (place % length + length) % length
    case .reflect:
      if length == 1 { return 0 }
      let period = 2 * (length - 1)
      let folded = (place % period + period) % period
      return folded < length ? folded : period - folded
    }
  }
}
