import NumericFormats

/// Convolution: its gradients are convolutions again.
extension ReverseMode {
  /// Y = W ∗ X + B. With images and channels of X taken for each other, dW is the convolution of X
  /// with dY as its weights, strides and dilations swapped; dX is the convolution of dY, stretched
  /// by the strides, with W's taps reversed; dB sums dY over images and places.
  mutating func convolution(_ convolution: Convolution, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    guard !convolution.window.coversEnd else {
      throw missingRule(node, "a last place that covers the input in part has no rule")
    }
    let (x, w) = (node.inputs[0], node.inputs[1])
    if isActive(w) {
      try contribute(
        byGroups(convolution, x, gradient, joined: weightAxis(convolution)) {
          (pass: inout ReverseMode, own, x, gradient, _) throws(GraphError) in
          try pass.weightSlope(own, x, gradient, like: w)
        }, to: w)
    }
    if isActive(x) {
      try contribute(
        byGroups(convolution, x, gradient, joined: convolution.inputLayout.channelAxis) {
          (pass: inout ReverseMode, own, x, gradient, group) throws(GraphError) in
          let weights = try pass.share(
            group, of: w, convolution.groups, axis: pass.weightAxis(convolution))
          return try pass.inputSlope(own, node, x, weights, gradient)
        }, to: x)
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

  /// The axis of a convolution's weights that counts its results.
  private func weightAxis(_ convolution: Convolution) -> Int {
    convolution.weightLayout == .outputsFirst ? 0 : 2
  }

  /// One of so many equal parts of an axis.
  private mutating func share(_ number: Int, of name: String, _ count: Int, axis: Int)
    throws(GraphError) -> String
  {
    if count == 1 { return name }
    var counts = shape(name).dimensions
    counts[axis] /= count
    var starts = counts.map { _ in 0 }
    starts[axis] = number * counts[axis]
    return try made(
      .stridedSlice(StridedSlice(starts: starts, counts: counts, steps: counts.map { _ in 1 })),
      name, format: format(of: name))
  }

  /// A slope of each group of channels by itself, one behind the other along an axis.
  private mutating func byGroups(
    _ convolution: Convolution, _ x: String, _ gradient: String, joined axis: Int,
    _ slope: (inout ReverseMode, Convolution, String, String, Int) throws(GraphError) -> String
  ) throws(GraphError) -> String {
    var own = convolution
    own.groups = 1
    var parts: [String] = []
    for group in 0..<convolution.groups {
      let seen = try share(
        group, of: x, convolution.groups, axis: convolution.inputLayout.channelAxis)
      let pulled = try share(
        group, of: gradient, convolution.groups, axis: convolution.outputLayout.channelAxis)
      parts.append(try slope(&self, own, seen, pulled, group))
    }
    if parts.count == 1 { return parts[0] }
    return try made(
      .concatenate(Concatenation(axis: axis)), parts, format: format(of: parts[0]))
  }

  /// X as the gradient of a convolution of the result: dX is that convolution of dY, and dW is its
  /// weights' slope with X and dY in each other's place.
  mutating func upsampling(_ convolution: ConvTranspose, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    guard convolution.groups == 1 else { throw missingRule(node, "groups have no rule") }
    let (x, w) = (node.inputs[0], node.inputs[1])
    let places = Array(shape(x).dimensions.dropFirst(2))
    // As many places as X has; what the result has beyond the last window is cut off.
    let after = (0..<convolution.kernel.count).map { axis -> Int in
      let reach = convolution.dilations[axis] * (convolution.kernel[axis] - 1)
      return (places[axis] - 1) * convolution.strides[axis] + reach + 1
        - convolution.lengths[axis] - convolution.before[axis]
    }
    let seen = try cut(gradient, firstAxis: 2, by: after.map { max(0, -$0) })
    let down = Convolution(
      SlidingWindow(
        convolution.kernel, strides: convolution.strides, dilations: convolution.dilations,
        before: convolution.before, after: after.map { max(0, $0) }))
    if isActive(x) { try contribute(made(.convolution(down), seen, w), to: x) }
    if isActive(w) { try contribute(weightSlope(down, seen, x, like: w), to: w) }
    guard node.inputs.count > 2, isActive(node.inputs[2]) else { return }
    let bias = node.inputs[2]
    let axes = (0..<shape(gradient).rank).filter { $0 != 1 }
    try contribute(
      made(
        .reduce(Reduction(.sum, axes: axes, keepsDimensions: false)), gradient,
        format: gradientFormat(bias)), to: bias)
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
    _ convolution: Convolution, _ node: Node, _ x: String, _ w: String, _ gradient: String
  ) throws(GraphError) -> String {
    let window = convolution.window
    let sizes = Array(shape(x).dimensions.dropFirst(2))
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
    var slope = Convolution(
      back, inputLayout: convolution.outputLayout, outputLayout: convolution.inputLayout,
      weightLayout: .inputsFirst)
    slope.spacing = window.strides.reduce(1, *)
    return try made(
      .convolution(slope),
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
  mutating func stretched(_ name: String, by strides: [Int]) throws(GraphError) -> String {
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
  mutating func fitted(_ name: String, to sizes: [Int]) throws(GraphError) -> String {
    let given = Array(shape(name).dimensions.dropFirst(2))
    let less = zip(given, sizes).map { max(0, $0 - $1) }
    let more = zip(given, sizes).map { max(0, $1 - $0) }
    let cut = try cut(name, firstAxis: 2, by: less)
    guard more.contains(where: { $0 > 0 }) else { return cut }
    return try made(
      .pad(Pad(before: [0, 0] + more.map { _ in 0 }, after: [0, 0] + more)), cut)
  }

  /// The tensor without the last elements of its axes from `firstAxis` on.
  mutating func cut(_ name: String, firstAxis: Int, by lengths: [Int]) throws(GraphError)
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
}
