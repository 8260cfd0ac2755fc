/// Images stored channels first, seen as a row of elements per channel.
private struct ChannelRows {
  let channels: Int
  let count: Int

  init(_ shape: TensorShape) {
    channels = shape[0]
    count = shape.elementCount / max(1, shape[0])
  }

  static func moments(_ shape: TensorShape) -> TensorShape {
    TensorShape([2, shape[0]] + shape.dimensions.dropFirst().map { _ in 1 })
  }
}

/// Mean and variance of each channel over all images and places: what batch normalisation finds in
/// training (ONNX BatchNormalization with training_mode). X is [channels, images, …], the result
/// [2, channels, 1, …]: the means, then the variances.
package struct BatchMoments: OperatorFamily {
  /// The moments of a batch.
  package init() {}

  package var name: String { "BatchMoments" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape.rank >= 2, "X has channels and images")
    return [TensorType(ChannelRows.moments(inputs[0].shape), inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    4 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let moments = moments(inputs[0])
    let values = moments.map(\.mean) + moments.map(\.variance)
    return [
      try TensorView(
        values, shape: ChannelRows.moments(inputs[0].shape), type: inputs[0].type)
    ]
  }

  private func moments(_ x: TensorView) -> [(mean: Double, variance: Double)] {
    let rows = ChannelRows(x.shape)
    return (0..<rows.channels).map { channel in
      let row = x.vector(start: channel * rows.count, stride: 1, count: rows.count)
      let mean = row.reduce(0, +) / Double(rows.count)
      let squares = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean, squares / Double(rows.count))
    }
  }

  /// Sums are random walks; a large mean costs digits of the variance.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let view = tolerance.inputs[0]
    let moments = moments(view)
    let walk =
      Tolerance.factor * Tolerance.sum * Double(ChannelRows(view.shape).count).squareRoot()
    return indices.map { index in
      let (mean, variance) = moments[index % moments.count]
      let size = (mean * mean + variance).squareRoot()
      return index < moments.count
        ? walk * size + view.absoluteUncertainty(size)
        : walk * size * size + 2 * size * view.absoluteUncertainty(size)
    }
  }
}

/// Batch normalisation in training: inputs X [channels, images, …], scale and bias of a value per
/// channel, and the `BatchMoments` of X: (X − mean) / √(variance + epsilon) · scale + bias. Its
/// gradient takes into account that the moments follow X.
package struct BatchNorm: OperatorFamily {
  /// Is added to the variance.
  package var epsilon: Double

  /// A normalisation by moments of the same batch.
  package init(epsilon: Double) { self.epsilon = epsilon }

  package var name: String { "BatchNorm" }
  package var inputCount: ClosedRange<Int> { 4...4 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(shape.rank >= 2, "X has channels and images")
    for index in 1...2 {
      try inputs.require(
        inputs[index].shape.elementCount == shape[0], "scale and bias have one value per channel")
    }
    try inputs.require(
      inputs[3].shape == ChannelRows.moments(shape),
      "moments are \(ChannelRows.moments(shape))")
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    2 * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (x, moments) = (inputs[0], inputs[3])
    let rows = ChannelRows(x.shape)
    let values = (0..<x.count).map { index in
      let channel = index / rows.count
      let deviation = (moments[rows.channels + channel] + epsilon).squareRoot()
      return (x[index] - moments[channel]) / deviation * inputs[1][channel] + inputs[2][channel]
    }
    return [try TensorView(values, shape: x.shape, type: x.type)]
  }
}

/// What the gradient of batch normalisation sums up: inputs dY and X [channels, images, …] and the
/// `BatchMoments` of X. The result [2, channels, 1, …] holds each channel's Σ dY, the gradient in
/// the bias, then Σ dY · (X − mean) / √(variance + epsilon), the gradient in the scale.
package struct BatchSums: OperatorFamily {
  /// Is added to the variance.
  package var epsilon: Double

  /// The sums for a normalisation with that epsilon.
  package init(epsilon: Double) { self.epsilon = epsilon }

  package var name: String { "BatchSums" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      shape.rank >= 2 && inputs[1].shape == shape
        && inputs[2].shape == ChannelRows.moments(shape),
      "dY and X are of one shape, moments \(ChannelRows.moments(shape))")
    return [TensorType(ChannelRows.moments(shape), inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    4 * inputs[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let sums = sums(inputs)
    return [
      try TensorView(
        sums.map(\.plain) + sums.map(\.weighted),
        shape: ChannelRows.moments(inputs[0].shape), type: inputs[0].type)
    ]
  }

  private struct Sums {
    var plain = 0.0
    var weighted = 0.0
    /// Norms of the terms; those of the second sum before the mean is taken off, too.
    var slopes = 0.0
    var products = 0.0
  }

  private func sums(_ inputs: Operands<TensorView>) -> [Sums] {
    let (slope, x, moments) = (inputs[0], inputs[1], inputs[2])
    let rows = ChannelRows(x.shape)
    return (0..<rows.channels).map { channel in
      let deviation = (moments[rows.channels + channel] + epsilon).squareRoot()
      let mean = moments[channel]
      var sums = Sums()
      for index in channel * rows.count..<(channel + 1) * rows.count {
        let normal = (x[index] - mean) / deviation
        let size = abs(normal) + abs(mean) / deviation
        sums.plain += slope[index]
        sums.weighted += slope[index] * normal
        sums.slopes += slope[index] * slope[index]
        sums.products += slope[index] * slope[index] * size * size
      }
      return sums
    }
  }

  /// Sums of products: 4 · u · √K times both norms, the mean's part of them too.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let sums = sums(inputs)
    let depth = Double(ChannelRows(inputs[0].shape).count).squareRoot()
    return zip(indices, reference).map { index, value in
      let sum = sums[index % sums.count]
      let norm = (index < sums.count ? sum.slopes : sum.products).squareRoot()
      let given = inputs[0].uncertainty + inputs[1].uncertainty
      return Tolerance.factor * (Tolerance.sum * depth + given / depth) * norm * depth
        + Tolerance.function * abs(value)
    }
  }
}
