import NumericFormats

/// Convolution and pooling: their gradients are convolutions and repetitions again.
extension ReverseMode {
  /// Y = W ∗ X + B. With images and channels of X taken for each other, dW is the convolution of X
  /// with dY as its weights, strides and dilations swapped; dX is the convolution of dY, stretched
  /// by the strides, with W's taps reversed; dB sums dY over images and places.
  mutating func convolution(_ convolution: Convolution, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    guard convolution.groups == 1 else { throw missingRule(node, "groups have no rule") }
    guard !convolution.window.coversEnd else {
      throw missingRule(node, "a last place that covers the input in part has no rule")
    }
    let (x, w) = (node.inputs[0], node.inputs[1])
    if isActive(w) {
      try contribute(weightSlope(convolution, x, gradient, like: w), to: w)
    }
    if isActive(x) {
      try contribute(inputSlope(convolution, node, w, gradient), to: x)
    }
    guard node.inputs.count > 2, isActive(node.inputs[2]) else { return }
    let bias = node.inputs[2]
    let channel = convolution.outputLayout.channelAxis
    let axes = (0..<shape(gradient).rank).filter { $0 != channel }
    let summed = try made(
      .reduce(Reduction(.sum, axes: axes, keepsDimensions: false)), gradient,
      format: gradientFormat(bias))
    try contribute(reshaped(summed, to: shape(bias)), to: bias)
  }

  /// The other of the two layouts: what a tensor is when images and channels change their places.
  private func swapped(_ layout: ImageLayout) -> ImageLayout {
    layout == .imagesFirst ? .channelsFirst : .imagesFirst
  }

  private mutating func weightSlope(
    _ convolution: Convolution, _ x: String, _ gradient: String, like w: String
  ) throws(GraphError) -> String {
    let window = convolution.window
    let places = Array(shape(gradient).dimensions.dropFirst(2))
    let sizes = Array(shape(x).dimensions.dropFirst(2))
    // The result must have as many places as W has taps: padding behind makes up the difference.
    let after = (0..<window.rank).map { axis -> Int in
      let reach = window.dilations[axis] * (window.kernel[axis] - 1)
      let last = window.strides[axis] * (places[axis] - 1)
      return reach + last + 1 - sizes[axis] - window.before[axis]
    }
    let seen = try cut(x, firstAxis: 2, by: after.map { max(0, -$0) })
    let slope = SlidingWindow(
      places, strides: window.dilations, dilations: window.strides, before: window.before,
      after: after.map { max(0, $0) })
    // dY as weights: [outputs, images, places] is what ONNX calls outputs first.
    let isDirect = convolution.outputLayout == .channelsFirst
    let weights =
      isDirect
      ? gradient
      : try made(
        .transpose(permutation: [1, 0] + Array(2..<shape(gradient).rank)), gradient)
    let isOutputsFirst = convolution.weightLayout == .outputsFirst
    let result = try made(
      .convolution(
        Convolution(
          slope, inputLayout: swapped(convolution.inputLayout),
          outputLayout: isOutputsFirst ? .channelsFirst : .imagesFirst)),
      seen, weights, format: gradientFormat(w))
    if isOutputsFirst { return result }
    let channels = shape(result)
    let flat = try reshaped(result, to: [channels[0], channels[1], window.taps])
    return try made(
      .transpose(permutation: [0, 2, 1]), flat, format: gradientFormat(w))
  }

  private mutating func inputSlope(
    _ convolution: Convolution, _ node: Node, _ w: String, _ gradient: String
  ) throws(GraphError) -> String {
    let window = convolution.window
    let sizes = Array(shape(node.inputs[0]).dimensions.dropFirst(2))
    if window.taps == 1, window.before.allSatisfy({ $0 == 0 }) {
      // One tap looks at each place by itself: zeros come between the results.
      let plain = try made(
        .convolution(
          Convolution(
            SlidingWindow(window.kernel), inputLayout: convolution.outputLayout,
            outputLayout: convolution.inputLayout, weightLayout: .inputsFirst)),
        gradient, reversedTaps(w, convolution))
      let wide = try stretched(plain, by: window.strides)
      return try fitted(wide, to: sizes)
    }
    var (before, after, behind) = ([Int](), [Int](), [Int]())
    let wide = try stretched(gradient, by: window.strides)
    for axis in 0..<window.rank {
      let reach = window.dilations[axis] * (window.kernel[axis] - 1)
      before.append(reach - window.before[axis])
      let rest = sizes[axis] + reach - shape(wide)[axis + 2] - before[axis]
      after.append(max(0, rest))
      behind.append(max(0, -rest))
    }
    guard before.allSatisfy({ $0 >= 0 }) else {
      throw missingRule(node, "padding wider than the window has no rule")
    }
    let back = SlidingWindow(
      window.kernel, dilations: window.dilations, before: before, after: after)
    return try made(
      .convolution(
        Convolution(
          back, inputLayout: convolution.outputLayout, outputLayout: convolution.inputLayout,
          weightLayout: .inputsFirst)),
      cut(wide, firstAxis: 2, by: behind), reversedTaps(w, convolution))
  }

  /// W as [outputs, taps in reverse, inputs].
  private mutating func reversedTaps(_ w: String, _ convolution: Convolution) throws(GraphError)
    -> String
  {
    let taps = convolution.window.taps
    let given = shape(w)
    let (flat, permutation): (TensorShape, [Int]) =
      convolution.weightLayout == .outputsFirst
      ? ([given[0], given[1], taps], [0, 2, 1]) : (given, [2, 1, 0])
    let moved = try made(
      .transpose(permutation: permutation), reshaped(w, to: flat), format: format(of: w))
    let counts = shape(moved).dimensions
    return try made(
      .stridedSlice(
        StridedSlice(starts: [0, taps - 1, 0], counts: counts, steps: [1, -1, 1])), moved,
      format: format(of: w))
  }

  /// Zeros between the places of the last axes, and after the last one.
  private mutating func stretched(_ name: String, by strides: [Int]) throws(GraphError) -> String {
    guard strides.contains(where: { $0 > 1 }) else { return name }
    let given = shape(name)
    let head = Array(given.dimensions.prefix(2))
    var apart = head
    var filled = head
    var after = [0, 0]
    for (axis, stride) in strides.enumerated() {
      apart += [given[axis + 2], 1]
      after += [0, stride - 1]
      filled.append(given[axis + 2] * stride)
    }
    let split = try reshaped(name, to: TensorShape(apart))
    let padded = try made(
      .pad(Pad(before: after.map { _ in 0 }, after: after)), split)
    return try reshaped(padded, to: TensorShape(filled))
  }

  /// The tensor cut or padded with zeros behind its last axes.
  private mutating func fitted(_ name: String, to sizes: [Int]) throws(GraphError) -> String {
    let given = Array(shape(name).dimensions.dropFirst(2))
    let less = zip(given, sizes).map { max(0, $0 - $1) }
    let more = zip(given, sizes).map { max(0, $1 - $0) }
    let cut = try cut(name, firstAxis: 2, by: less)
    guard more.contains(where: { $0 > 0 }) else { return cut }
    return try made(
      .pad(Pad(before: [0, 0] + more.map { _ in 0 }, after: [0, 0] + more)), cut)
  }

  /// The tensor without the last elements of its axes from `firstAxis` on.
  private mutating func cut(_ name: String, firstAxis: Int, by lengths: [Int]) throws(GraphError)
    -> String
  {
    guard lengths.contains(where: { $0 > 0 }) else { return name }
    var counts = shape(name).dimensions
    for (axis, length) in lengths.enumerated() { counts[firstAxis + axis] -= length }
    return try made(
      .stridedSlice(
        StridedSlice(
          starts: counts.map { _ in 0 }, counts: counts, steps: counts.map { _ in 1 })),
      name, format: format(of: name))
  }

  /// Windows that lie side by side hand their gradient to all their elements (average), or to the
  /// elements as large as the maximum in equal shares. Maxima of windows that overlap have an
  /// operator of their own.
  mutating func pooling(_ pooling: Pooling, _ node: Node, _ gradient: String) throws(GraphError) {
    let (x, window) = (node.inputs[0], pooling.window)
    let given = shape(x).dimensions
    let sizes = Array(given.suffix(window.rank))
    guard window.kernel == window.strides || window.kernel == sizes,
      window.dilations.allSatisfy({ $0 == 1 }),
      (window.before + window.after).allSatisfy({ $0 == 0 }),
      zip(sizes, window.kernel).allSatisfy({ $0 % $1 == 0 })
    else {
      guard pooling.mode == .max else {
        throw missingRule(node, "means of windows that overlap have no rule")
      }
      let family = MaxPoolGradient(window)
      return try contribute(
        made(.maxPoolGradient(family), x, node.outputs[0], gradient), to: x)
    }
    let wide = try spread(gradient, window)
    let share = try constant(1 / Double(window.taps))
    guard pooling.mode == .max else {
      return try contribute(element(.multiply, wide, share), to: x)
    }
    let isLargest = try element(.equal, x, spread(node.outputs[0], window))
    let ones = try element(.select, isLargest, constant(1), constant(0))
    let mean = try made(.pool(Pooling(window, mode: .average(countsPadding: false))), ones)
    // The mean of the ones is their number over the taps.
    let part = try element(.multiply, element(.divide, ones, spread(mean, window)), share)
    try contribute(element(.multiply, wide, part), to: x)
  }

  /// Each place repeated over its window.
  private mutating func spread(_ name: String, _ window: SlidingWindow) throws(GraphError)
    -> String
  {
    let given = shape(name).dimensions
    let head = Array(given.dropLast(window.rank))
    var (apart, repeated, joined) = (head, head, head)
    for (axis, taps) in window.kernel.enumerated() {
      let places = given[head.count + axis]
      apart += [places, 1]
      repeated += [places, taps]
      joined.append(places * taps)
    }
    let split = try reshaped(name, to: TensorShape(apart))
    let wide = try made(
      .expand(Expand(to: TensorShape(repeated))), split, format: format(of: name))
    return try reshaped(wide, to: TensorShape(joined))
  }
}
