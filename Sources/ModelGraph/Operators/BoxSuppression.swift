/// Boxes of each class that no better box of it covers (ONNX NonMaxSuppression), as places of a
/// fixed number: inputs boxes [batch, boxes, 4], scores [batch, classes, boxes]; result [batch,
/// classes, `most`] of int32, places among the boxes from the best score on, −1 where a class has
/// no more. ONNX lists the same places without the −1, each with its batch and class.
///
/// Scores below −1e38 do not count, as on the device, where such a one has left. Of equal scores
/// the first comes first. A box is left out when it shares more than `overlap` of
/// its union with one that was taken.
package struct BoxSuppression: OperatorFamily {
  /// The most boxes taken of a class.
  package var most: Int
  /// The share of a union above which the worse box is left out, from 0 to 1.
  package var overlap: Double
  /// Only scores above it count; all unless given.
  package var least: Double?
  /// Boxes are centre x, centre y, width, height; otherwise two opposite corners y, x, y, x.
  package var isCentred: Bool

  /// A choice of so many boxes of a class.
  package init(most: Int, overlap: Double, least: Double? = nil, isCentred: Bool = false) {
    self.most = most
    self.overlap = overlap
    self.least = least
    self.isCentred = isCentred
  }

  /// No score is below it.
  private static let lowest = -1e38

  package var name: String { "NonMaxSuppression" }
  package var inputCount: ClosedRange<Int> { 2...2 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (boxes, scores) = (inputs[0].shape, inputs[1].shape)
    try inputs.require(
      boxes.rank == 3 && scores.rank == 3 && boxes[2] == 4 && scores[0] == boxes[0]
        && scores[2] == boxes[1],
      "boxes are [batch, boxes, 4], scores [batch, classes, boxes]")
    try inputs.require(most >= 0, "at most \(most) boxes cannot be taken")
    try inputs.require((0...1).contains(overlap), "an overlap of \(overlap) is no share")
    return [TensorType([boxes[0], scores[1], most], .int32)]
  }

  /// Sixteen operations for each box and each that is taken: what `BoxSuppressionKernel` computes.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    16 * results[0].shape.elementCount * inputs[0].shape[1]
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (boxes, scores) = (inputs[0], inputs[1])
    let (classes, count) = (scores.shape[1], scores.shape[2])
    var places: [Int64] = []
    for batch in 0..<boxes.shape[0] {
      let corners = (0..<count).map { box in
        self.corners(boxes.vector(start: (batch * count + box) * 4, stride: 1, count: 4))
      }
      for row in batch * classes..<(batch + 1) * classes {
        let kept = choice(scores.vector(start: row * count, stride: 1, count: count), corners)
        places += kept.map(Int64.init) + [Int64](repeating: -1, count: most - kept.count)
      }
    }
    let shape = TensorShape([boxes.shape[0], classes, most])
    return [try TensorView(integers: places, shape: shape, type: .int32)]
  }

  private func choice(_ scores: [Double], _ corners: [Corners]) -> [Int] {
    var kept: [Int] = []
    let least = least ?? Self.lowest
    let counting = scores.indices.filter { scores[$0] > least }
    for place in counting.sorted(by: { (-scores[$0], $0) < (-scores[$1], $1) })
    where kept.count < most {
      let isCovered = kept.contains { corners[$0].shares(with: corners[place]) > overlap }
      if !isCovered { kept.append(place) }
    }
    return kept
  }

  private struct Corners {
    var top, left, bottom, right: Double

    var area: Double { (bottom - top) * (right - left) }

    /// The share of the union of two boxes that both cover.
    func shares(with other: Corners) -> Double {
      let height = min(bottom, other.bottom) - max(top, other.top)
      let width = min(right, other.right) - max(left, other.left)
      guard height > 0, width > 0 else { return 0 }
      return height * width / (area + other.area - height * width)
    }
  }

  private func corners(_ box: [Double]) -> Corners {
    isCentred
      ? Corners(
        top: box[1] - box[3] / 2, left: box[0] - box[2] / 2, bottom: box[1] + box[3] / 2,
        right: box[0] + box[2] / 2)
      : Corners(
        top: min(box[0], box[2]), left: min(box[1], box[3]), bottom: max(box[0], box[2]),
        right: max(box[1], box[3]))
  }
}
