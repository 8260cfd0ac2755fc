/// Normalisation with one scale and bias per channel.
///
/// `batch` (ONNX BatchNormalization, inference) takes the moments as inputs: X, scale, B, mean,
/// variance. `groups` (ONNX GroupNormalization with statistics per image, InstanceNormalization
/// when each channel is a group) takes X, scale, bias and computes them over the channels of a
/// group and all places.
package struct ChannelNormalization: OperatorFamily {
  /// Where the moments come from.
  package enum Moments: Hashable, Sendable {
    /// Inputs 3 and 4.
    case given
    /// Each image's groups of channels, so many.
    case groups(Int)
  }

  /// Where the moments come from.
  package var moments: Moments
  /// Is added to the variance.
  package var epsilon: Double
  /// How X is stored.
  package var layout: ImageLayout

  /// A normalisation of images, stored as ONNX does unless said otherwise.
  package init(_ moments: Moments, epsilon: Double = 1e-5, layout: ImageLayout = .imagesFirst) {
    self.moments = moments
    self.epsilon = epsilon
    self.layout = layout
  }

  package var name: String {
    moments == .given ? "BatchNormalization" : "GroupNormalization"
  }
  package var inputCount: ClosedRange<Int> { moments == .given ? 5...5 : 3...3 }

  private struct Lengths {
    var images: Int
    var channels: Int
    var places: Int
  }

  private func lengths(_ shape: TensorShape) -> Lengths {
    Lengths(
      images: shape[1 - layout.channelAxis], channels: shape[layout.channelAxis],
      places: shape.dimensions.dropFirst(2).reduce(1, *))
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(shape.rank >= 2, "X has images and channels")
    let channels = shape[layout.channelAxis]
    for parameter in inputs.present.dropFirst() {
      try inputs.require(
        parameter.shape.elementCount == channels, "parameters have one value per channel")
    }
    if case .groups(let count) = moments {
      try inputs.require(
        count > 0 && channels % count == 0, "\(channels) channels do not make \(count) groups")
    }
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    (moments == .given ? 2 : 8) * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let x = inputs[0]
    let values = try elements(inputs, at: Array(0..<x.count))
    return [try TensorView(values, shape: x.shape, type: x.type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    visit(inputs, indices).map { $0.centred * $0.factor + inputs[2][$0.channel] }
  }

  private struct Term {
    var channel: Int
    /// x − mean, and what it is multiplied by.
    var centred: Double
    var factor: Double
    var x: Double
    var moments: RowMoments?
  }

  private func visit(_ inputs: Operands<TensorView>, _ indices: [Int]) -> [Term] {
    let x = inputs[0]
    let lengths = lengths(x.shape)
    var known: [Int: RowMoments] = [:]
    return indices.map { index in
      let plane = index / lengths.places
      let (image, channel) =
        layout == .imagesFirst
        ? plane.quotientAndRemainder(dividingBy: lengths.channels)
        : (plane % lengths.images, plane / lengths.images)
      guard case .groups(let count) = moments else {
        let deviation = (inputs[4][channel] + epsilon).squareRoot()
        return Term(
          channel: channel, centred: x[index] - inputs[3][channel],
          factor: inputs[1][channel] / deviation, x: x[index], moments: nil)
      }
      let perGroup = lengths.channels / count
      let group = channel / perGroup
      let key = image * count + group
      let found = known[key] ?? RowMoments(values(x, lengths, image, group, perGroup))
      known[key] = found
      return Term(
        channel: channel, centred: x[index] - found.mean,
        factor: inputs[1][channel] * found.reciprocalDeviation(epsilon: epsilon), x: x[index],
        moments: found)
    }
  }

  private func values(
    _ x: TensorView, _ lengths: Lengths, _ image: Int, _ group: Int, _ perGroup: Int
  ) -> [Double] {
    (group * perGroup..<(group + 1) * perGroup).flatMap { channel in
      x.vector(
        start: layout.plane(
          image: image, channel: channel, images: lengths.images, channels: lengths.channels)
          * lengths.places, stride: 1, count: lengths.places)
    }
  }

  /// As for a layer normalisation: moments are random walks, a large mean cancels digits.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let lengths = lengths(inputs[0].shape)
    var count = 1
    if case .groups(let groups) = moments { count = lengths.channels / groups * lengths.places }
    let walk = Tolerance.factor * Tolerance.sum * Double(count).squareRoot()
    return visit(inputs, indices).map { term in
      let relative = tolerance.middle + Tolerance.function + walk
      let typical = term.moments?.meanSquare.squareRoot() ?? 0
      let mean = abs(term.x - term.centred)
      let cancelled = walk * typical + 4 * Tolerance.sum * (abs(term.x) + mean)
      return abs(term.factor)
        * (abs(term.centred) * relative + cancelled
          + 2 * inputs[0].absoluteUncertainty(term.x))
        + 2 * Tolerance.sum * abs(inputs[2][term.channel])
    }
  }
}
