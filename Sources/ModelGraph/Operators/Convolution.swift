import Threads

/// Convolution over one to three axes (ONNX Conv): every output channel is the sum over the input
/// channels of its group, and the taps of the window, of input times weight, plus a bias.
///
/// Inputs X, W, and optionally B [outputs]. ONNX stores X as [images, channels, …] and W as
/// [outputs, inputs per group, taps …]; the layouts say what differs. W as `inputsFirst` is
/// [inputs per group, taps, outputs].
package struct Convolution: OperatorFamily {
  /// How the weights are stored.
  package enum WeightLayout: String, Hashable, Sendable, CaseIterable {
    /// [outputs, inputs per group, taps …]: ONNX.
    case outputsFirst
    /// [inputs per group, taps, outputs]: ready for a machine that contracts over inputs.
    case inputsFirst
  }

  /// The window.
  package var window: SlidingWindow
  /// Groups of channels that do not see each other.
  package var groups: Int
  /// How X is stored.
  package var inputLayout: ImageLayout
  /// How the result is stored.
  package var outputLayout: ImageLayout
  /// How W is stored.
  package var weightLayout: WeightLayout
  /// One of so many places of X may be other than zero: that of an image which was stretched. What
  /// meets the zeros between is no operation that anybody asked for.
  package var spacing = 1

  /// A convolution, stored as ONNX does unless said otherwise.
  package init(
    _ window: SlidingWindow, groups: Int = 1, inputLayout: ImageLayout = .imagesFirst,
    outputLayout: ImageLayout = .imagesFirst, weightLayout: WeightLayout = .outputsFirst
  ) {
    self.window = window
    self.groups = groups
    self.inputLayout = inputLayout
    self.outputLayout = outputLayout
    self.weightLayout = weightLayout
  }

  package var name: String { "Conv" }
  package var inputCount: ClosedRange<Int> { 2...3 }

  /// Lengths of one application.
  package struct Lengths: Hashable, Sendable {
    /// Images.
    package var images: Int
    /// Channels of X.
    package var inputs: Int
    /// Channels of the result.
    package var outputs: Int
    /// Channels of X per group.
    package var perGroup: Int
    /// Lengths of the axes of places of X.
    package var sizes: [Int]
    /// Lengths of the axes of places of the result.
    package var places: [Int]
    /// The product of `sizes`.
    package var inputPlaces: Int { sizes.reduce(1, *) }
    /// The product of `places`.
    package var outputPlaces: Int { places.reduce(1, *) }
  }

  /// The lengths for inputs of these shapes. Throws `shapes`.
  package func lengths<Operand>(_ inputs: Operands<Operand>) throws(GraphError) -> Lengths {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    try inputs.require(window.isValid && groups > 0, "the window's lists do not fit each other")
    try inputs.require(
      x.rank == window.rank + 2, "X has two axes beside the window's \(window.rank)")
    let channels = x[inputLayout.channelAxis]
    let outputs = weightLayout == .outputsFirst ? w[0] : w[w.rank - 1]
    try inputs.require(
      channels % groups == 0 && outputs % groups == 0 && channels > 0,
      "\(channels) and \(outputs) channels do not make \(groups) groups")
    let perGroup = channels / groups
    let expected: TensorShape =
      weightLayout == .outputsFirst
      ? TensorShape([outputs, perGroup] + window.kernel)
      : [perGroup, window.taps, outputs]
    try inputs.require(w == expected, "W is \(expected)")
    if let bias = inputs.optional(2) {
      try inputs.require(bias.shape.elementCount == outputs, "B has one value per output channel")
    }
    let sizes = Array(x.dimensions.dropFirst(2))
    let places = window.places(sizes)
    try inputs.require(places.allSatisfy { $0 > 0 }, "the window is larger than X")
    return Lengths(
      images: x[1 - inputLayout.channelAxis], inputs: channels, outputs: outputs,
      perGroup: perGroup, sizes: sizes, places: places)
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let lengths = try lengths(inputs)
    return [
      TensorType(
        outputLayout.shape(
          images: lengths.images, channels: lengths.outputs, lengths.places), inputs[0].type)
    ]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    guard let lengths = try? lengths(inputs) else { return 0 }
    return 2 * results[0].shape.elementCount * lengths.perGroup * window.taps / spacing
  }

  /// The weight that joins an input channel of a group, a tap and an output channel.
  private func weightIndex(_ lengths: Lengths, output: Int, input: Int, tap: Int) -> Int {
    weightLayout == .outputsFirst
      ? (output * lengths.perGroup + input) * window.taps + tap
      : (input * window.taps + tap) * lengths.outputs + output
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let lengths = try lengths(inputs)
    let x = inputs[0].allValues
    let weights = inputs[1].allValues
    let rows = WindowRows(window, sizes: lengths.sizes)
    var out = [Double](repeating: 0, count: lengths.images * lengths.outputs * rows.resultCount)
    for image in 0..<lengths.images {
      for output in 0..<lengths.outputs {
        let group = output / (lengths.outputs / groups)
        let first =
          outputLayout.plane(
            image: image, channel: output, images: lengths.images, channels: lengths.outputs)
          * rows.resultCount
        for input in 0..<lengths.perGroup {
          let from =
            inputLayout.plane(
              image: image, channel: group * lengths.perGroup + input, images: lengths.images,
              channels: lengths.inputs) * lengths.inputPlaces
          for run in rows.runs {
            let weight =
              weights[weightIndex(lengths, output: output, input: input, tap: run.tap)]
            var source = from + run.source
            for place in first + run.place..<first + run.place + run.count {
              out[place] += weight * x[source]
              source += run.step
            }
          }
        }
        if let bias = inputs.optional(2) {
          for place in first..<first + rows.resultCount { out[place] += bias[output] }
        }
      }
    }
    let shape = outputLayout.shape(
      images: lengths.images, channels: lengths.outputs, lengths.places)
    return [try TensorView(out, shape: shape, type: inputs[0].type)]
  }

  /// Where an element of the result stands.
  private struct Place {
    var image: Int
    var channel: Int
    var place: Int
  }

  private func place(_ index: Int, _ lengths: Lengths) -> Place {
    let (plane, place) = index.quotientAndRemainder(dividingBy: lengths.outputPlaces)
    return outputLayout == .imagesFirst
      ? Place(image: plane / lengths.outputs, channel: plane % lengths.outputs, place: place)
      : Place(image: plane % lengths.images, channel: plane / lengths.images, place: place)
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    let lengths = try lengths(inputs)
    let (x, bias) = (inputs[0].allValues, inputs.optional(2))
    let places = indices.map { place($0, lengths) }
    // Channel by channel, so that a channel's weights are collected once on a thread.
    let order = indices.indices.sorted { places[$0].channel < places[$1].channel }
    return HostThreads.numbers(visiting: order, size: 32) { part in
      var channel = -1
      var weights: [Double] = []
      return part.map { position in
        let at = places[position]
        if at.channel != channel { weights = self.weights(of: at.channel, inputs[1], lengths) }
        channel = at.channel
        return element(at, x, weights, lengths) + (bias?[channel] ?? 0)
      }
    }
  }

  /// The weights of an output channel, [inputs per group, taps].
  private func weights(of channel: Int, _ weights: TensorView, _ lengths: Lengths) -> [Double] {
    weights.vector(
      start: weightIndex(lengths, output: channel, input: 0, tap: 0),
      stride: weightLayout == .outputsFirst ? 1 : lengths.outputs,
      count: lengths.perGroup * window.taps)
  }

  /// One element without its bias, of all of X and the weights of its channel.
  private func element(
    _ at: Place, _ x: [Double], _ weights: [Double], _ lengths: Lengths
  ) -> Double {
    let group = at.channel / (lengths.outputs / groups)
    let sources = window.sources(at.place, sizes: lengths.sizes, places: lengths.places)
    var sum = 0.0
    for input in 0..<lengths.perGroup {
      let from =
        inputLayout.plane(
          image: at.image, channel: group * lengths.perGroup + input, images: lengths.images,
          channels: lengths.inputs) * lengths.inputPlaces
      let first = input * window.taps
      for (tap, source) in sources { sum += x[from + source] * weights[first + tap] }
    }
    return sum
  }

  /// Elements of the result for which a weight that is not finite meets padding: 0 times such a
  /// weight is no number, and a kernel may as well leave the tap out.
  func unspecified(_ inputs: Operands<TensorView>) throws(GraphError) -> Set<Int> {
    guard inputs[1].nonFinite != nil else { return [] }
    let lengths = try lengths(inputs)
    var found: Set<Int> = []
    for channel in 0..<lengths.outputs {
      let weights = weights(of: channel, inputs[1], lengths)
      let taps = Set(weights.indices.filter { !weights[$0].isFinite }.map { $0 % window.taps })
      guard !taps.isEmpty else { continue }
      for place in 0..<lengths.outputPlaces {
        let sources = window.sources(place, sizes: lengths.sizes, places: lengths.places)
        guard !taps.isSubset(of: sources.map(\.tap)) else { continue }
        for image in 0..<lengths.images {
          let plane = outputLayout.plane(
            image: image, channel: channel, images: lengths.images, channels: lengths.outputs)
          found.insert(plane * lengths.outputPlaces + place)
        }
      }
    }
    return found
  }

  /// 4 · u · √K · ‖inputs of the window‖ · ‖weights of the channel‖, and the bias's addition.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    let lengths = try lengths(inputs)
    let depth = Double(lengths.perGroup * window.taps).squareRoot()
    let uncertain =
      inputs[0].uncertainty + inputs[1].uncertainty + 2 * tolerance.middle
    let weight = Tolerance.factor * (Tolerance.sum * depth + uncertain / depth)
    var energies: [Int: [Double]] = [:]
    var weightNorms: [Int: Double] = [:]
    var windowNorms: [Int: Double] = [:]
    return zip(indices, reference).map { index, value in
      let at = place(index, lengths)
      let group = at.channel / (lengths.outputs / groups)
      let plane = at.image * groups + group
      let energy = energies[plane] ?? self.energy(inputs[0], lengths, at.image, group)
      energies[plane] = energy
      let key = plane * lengths.outputPlaces + at.place
      let seen =
        windowNorms[key]
        ?? window.sources(at.place, sizes: lengths.sizes, places: lengths.places)
        .reduce(0) { $0 + energy[$1.index] }.squareRoot()
      windowNorms[key] = seen
      let channel = weightNorms[at.channel] ?? weightNorm(inputs[1], lengths, at.channel)
      weightNorms[at.channel] = channel
      let added = inputs.optional(2).map { 2 * Tolerance.sum * (abs($0[at.channel]) + abs(value)) }
      return weight * seen * channel + (added ?? 0)
    }
  }

  /// The squares of all channels of a group, place by place.
  private func energy(_ x: TensorView, _ lengths: Lengths, _ image: Int, _ group: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: lengths.inputPlaces)
    for input in 0..<lengths.perGroup {
      let plane = inputLayout.plane(
        image: image, channel: group * lengths.perGroup + input, images: lengths.images,
        channels: lengths.inputs)
      let values = x.vector(
        start: plane * lengths.inputPlaces, stride: 1, count: lengths.inputPlaces)
      for (index, value) in values.enumerated() { sums[index] += value * value }
    }
    return sums
  }

  private func weightNorm(_ weights: TensorView, _ lengths: Lengths, _ output: Int) -> Double {
    var sum = 0.0
    for input in 0..<lengths.perGroup {
      for tap in 0..<window.taps {
        let value = weights[weightIndex(lengths, output: output, input: input, tap: tap)]
        sum += value * value
      }
    }
    return sum.squareRoot()
  }
}

extension Operator {
  /// Elements of the result that may come out in two ways, both right; see `Convolution`.
  package func unspecified(_ inputs: [TensorView]) throws(GraphError) -> Set<Int> {
    guard case .convolution(let convolution) = self else { return [] }
    return try convolution.unspecified(
      Operands(inputs.map { TensorView?.some($0) }, of: convolution, node: name))
  }
}

/// For one plane, the runs of places of the result that see real elements through a tap.
struct WindowRows {
  /// `count` places from `place` on see the elements from `source` on, `step` apart.
  struct Run {
    var tap: Int
    var place: Int
    var source: Int
    var count: Int
    var step: Int
  }

  let runs: [Run]
  /// Places of the result.
  let resultCount: Int

  init(_ window: SlidingWindow, sizes: [Int]) {
    let places = window.places(sizes)
    let last = window.rank - 1
    var heads = [(tap: 0, place: 0, source: 0)]
    for axis in 0..<last {
      var next: [(tap: Int, place: Int, source: Int)] = []
      for head in heads {
        for tap in 0..<window.kernel[axis] {
          for place in 0..<places[axis] {
            let element = window.source(axis, place: place, tap: tap)
            guard element >= 0, element < sizes[axis] else { continue }
            next.append(
              (
                head.tap * window.kernel[axis] + tap, head.place * places[axis] + place,
                head.source * sizes[axis] + element
              ))
          }
        }
      }
      heads = next
    }
    var runs: [Run] = []
    for head in heads {
      for tap in 0..<window.kernel[last] {
        let inside = (0..<places[last]).filter {
          (0..<sizes[last]).contains(window.source(last, place: $0, tap: tap))
        }
        guard let first = inside.first else { continue }
        runs.append(
          Run(
            tap: head.tap * window.kernel[last] + tap, place: head.place * places[last] + first,
            source: head.source * sizes[last] + window.source(last, place: first, tap: tap),
            count: inside.count, step: window.strides[last]))
      }
    }
    self.runs = runs
    resultCount = places.reduce(1, *)
  }
}
