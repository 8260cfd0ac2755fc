/// The convolution that a gradient with respect to the input would be (ONNX ConvTranspose): inputs
/// X, W `[channels, outputs per group, taps …]` and an optional bias.
package struct ConvTranspose: OperatorFamily {
  /// Taps along each axis.
  package var kernel: [Int]
  /// Places of the result from one element of X to the next.
  package var strides: [Int]
  /// Places of the result from one tap to the next.
  package var dilations: [Int]
  /// Places cut off before each axis.
  package var before: [Int]
  /// Lengths of the result's axes of places.
  package var lengths: [Int]
  /// Groups of channels that do not see each other.
  package var groups: Int

  /// A convolution to a result of these lengths.
  package init(
    kernel: [Int], strides: [Int], dilations: [Int], before: [Int], lengths: [Int],
    groups: Int = 1
  ) {
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.before = before
    self.lengths = lengths
    self.groups = groups
  }

  package var name: String { "ConvTranspose" }
  package var inputCount: ClosedRange<Int> { 2...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    let rank = kernel.count
    try inputs.require(
      x.rank == rank + 2 && w.rank == rank + 2 && groups > 0 && x[1] == w[0]
        && x[1] % groups == 0 && w.dimensions.dropFirst(2) == kernel[...]
        && [strides, dilations, before, lengths].allSatisfy { $0.count == rank }
        && lengths.allSatisfy { $0 >= 0 },
      "W does not fit X and the window")
    let outputs = w[1] * groups
    if let bias = inputs.optional(2) {
      try inputs.require(bias.shape.elementCount == outputs, "the bias is one per channel")
    }
    return [TensorType(TensorShape([x[0], outputs] + lengths), inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    2 * inputs[0].shape.elementCount * inputs[1].shape[1] * kernel.reduce(1, *)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (x, w) = (inputs[0], inputs[1])
    let (channels, perGroup) = (x.shape[1], w.shape[1])
    let sizes = Array(x.shape.dimensions.dropFirst(2))
    let (inside, outside) = (sizes.reduce(1, *), lengths.reduce(1, *))
    let outputs = perGroup * groups
    let places = targets(sizes)
    let taps = kernel.reduce(1, *)
    var sums = [Double](repeating: 0, count: x.shape[0] * outputs * outside)
    for image in 0..<x.shape[0] {
      for channel in 0..<channels {
        let group = channel / (channels / groups)
        let plane = x.vector(
          start: (image * channels + channel) * inside, stride: 1, count: inside)
        for output in 0..<perGroup {
          let weights = w.vector(
            start: (channel * perGroup + output) * taps, stride: 1, count: taps)
          let start = (image * outputs + group * perGroup + output) * outside
          for target in places {
            sums[start + target.place] += plane[target.source] * weights[target.tap]
          }
        }
      }
    }
    if let bias = inputs.optional(2) {
      for index in sums.indices { sums[index] += bias[index / outside % outputs] }
    }
    return [
      try TensorView(sums, shape: TensorShape([x.shape[0], outputs] + lengths), type: x.type)
    ]
  }

  /// Every pair of an element of X and a tap that lands within the result.
  private func targets(_ sizes: [Int]) -> [(source: Int, tap: Int, place: Int)] {
    var list = [(source: 0, tap: 0, place: 0)]
    for axis in kernel.indices {
      var next: [(source: Int, tap: Int, place: Int)] = []
      for entry in list {
        for element in 0..<sizes[axis] {
          for tap in 0..<kernel[axis] {
            let place = element * strides[axis] + tap * dilations[axis] - before[axis]
            guard (0..<lengths[axis]).contains(place) else { continue }
            next.append(
              (
                entry.source * sizes[axis] + element, entry.tap * kernel[axis] + tap,
                entry.place * lengths[axis] + place
              ))
          }
        }
      }
      list = next
    }
    return list
  }
}
