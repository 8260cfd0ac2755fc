/// Transposed convolution (ONNX ConvTranspose, one group, no dilation): every input place adds its
/// channels, times the weights of each tap, to the output places that the window covers there.
///
/// Inputs X, W and optionally B [outputs]. ONNX stores W as [inputs, outputs, taps …]; as
/// `inputsFirst` it is [inputs, taps, outputs].
package struct TransposedConvolution: OperatorFamily {
  /// The window: its padding is cut off the result.
  package var window: SlidingWindow
  /// How X and the result are stored.
  package var layout: ImageLayout
  /// True when W is stored [inputs, taps, outputs].
  package var isTapsFirst: Bool

  /// A transposed convolution, stored as ONNX does unless said otherwise.
  package init(
    _ window: SlidingWindow, layout: ImageLayout = .imagesFirst, isTapsFirst: Bool = false
  ) {
    self.window = window
    self.layout = layout
    self.isTapsFirst = isTapsFirst
  }

  package var name: String { "ConvTranspose" }
  package var inputCount: ClosedRange<Int> { 2...3 }

  /// Output length of an axis.
  private func length(_ axis: Int, _ size: Int) -> Int {
    (size - 1) * window.strides[axis] + window.kernel[axis] - window.before[axis]
      - window.after[axis]
  }

  private struct Lengths {
    var images: Int
    var inputs: Int
    var outputs: Int
    var sizes: [Int]
    var places: [Int]
  }

  private func lengths<Operand>(_ inputs: Operands<Operand>) throws(GraphError) -> Lengths {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    try inputs.require(
      window.isValid && window.dilations.allSatisfy { $0 == 1 } && x.rank == window.rank + 2,
      "X has two axes beside the window's, and the window is dense")
    let channels = x[layout.channelAxis]
    let expectedRank = isTapsFirst ? 3 : window.rank + 2
    try inputs.require(w.rank == expectedRank && w[0] == channels, "W begins with X's channels")
    let outputs = isTapsFirst ? w[2] : w[1]
    try inputs.require(
      w.elementCount == channels * outputs * window.taps, "W has one weight per tap")
    let sizes = Array(x.dimensions.dropFirst(2))
    let places = sizes.indices.map { length($0, sizes[$0]) }
    try inputs.require(places.allSatisfy { $0 > 0 }, "padding cuts everything off")
    return Lengths(
      images: x[1 - layout.channelAxis], inputs: channels, outputs: outputs, sizes: sizes,
      places: places)
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let lengths = try lengths(inputs)
    return [
      TensorType(
        layout.shape(images: lengths.images, channels: lengths.outputs, lengths.places),
        inputs[0].type)
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    guard let lengths = try? lengths(inputs) else { return 0 }
    return 2 * inputs[0].shape.elementCount * window.taps * lengths.outputs
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let lengths = try lengths(inputs)
    let shape = layout.shape(images: lengths.images, channels: lengths.outputs, lengths.places)
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: inputs[0].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    try visit(inputs, indices) { channel, terms in
      terms.reduce(0) { $0 + $1.x * $1.w } + (inputs.optional(2)?[channel] ?? 0)
    }
  }

  private func visit(
    _ inputs: Operands<TensorView>, _ indices: [Int],
    _ body: (Int, [(x: Double, w: Double)]) -> Double
  ) throws(GraphError) -> [Double] {
    let lengths = try lengths(inputs)
    let (inside, outside) = (lengths.sizes.reduce(1, *), lengths.places.reduce(1, *))
    var known: [Int: [(tap: Int, index: Int)]] = [:]
    return indices.map { index in
      let (plane, place) = index.quotientAndRemainder(dividingBy: outside)
      let (image, channel) =
        layout == .imagesFirst
        ? plane.quotientAndRemainder(dividingBy: lengths.outputs)
        : (plane % lengths.images, plane / lengths.images)
      let sources = known[place] ?? self.sources(place, lengths)
      known[place] = sources
      var terms: [(x: Double, w: Double)] = []
      for input in 0..<lengths.inputs {
        let from =
          layout.plane(
            image: image, channel: input, images: lengths.images, channels: lengths.inputs)
          * inside
        for source in sources {
          let weight =
            isTapsFirst
            ? (input * window.taps + source.tap) * lengths.outputs + channel
            : (input * lengths.outputs + channel) * window.taps + source.tap
          terms.append((inputs[0][from + source.index], inputs[1][weight]))
        }
      }
      return body(channel, terms)
    }
  }

  /// The input places, and the taps, that reach an output place.
  private func sources(_ place: Int, _ lengths: Lengths) -> [(tap: Int, index: Int)] {
    var rest = place
    var position = [Int](repeating: 0, count: window.rank)
    for axis in (0..<window.rank).reversed() {
      position[axis] = rest % lengths.places[axis] + window.before[axis]
      rest /= lengths.places[axis]
    }
    var list = [(tap: 0, index: 0)]
    for axis in 0..<window.rank {
      var next: [(tap: Int, index: Int)] = []
      for entry in list {
        for tap in 0..<window.kernel[axis] {
          let (from, left) = (position[axis] - tap).quotientAndRemainder(
            dividingBy: window.strides[axis])
          guard left == 0, from >= 0, from < lengths.sizes[axis] else { continue }
          next.append(
            (entry.tap * window.kernel[axis] + tap, entry.index * lengths.sizes[axis] + from))
        }
      }
      list = next
    }
    return list
  }

  /// 4 · u · √K · ‖inputs‖ · ‖weights‖ of the terms, and the bias's addition.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let uncertain = inputs[0].uncertainty + inputs[1].uncertainty + 2 * tolerance.middle
    let products = try visit(inputs, indices) { _, terms in
      let depth = Double(max(1, terms.count)).squareRoot()
      return Tolerance.factor * (Tolerance.sum * depth + uncertain / depth)
        * norm(terms.map(\.x)) * norm(terms.map(\.w))
    }
    return zip(products, reference).map { $0 + 2 * Tolerance.sum * abs($1) }
  }
}
