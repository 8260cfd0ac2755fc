import NumericFormats

/// Pooling: its gradients are repetitions, sums and means again.
extension ReverseMode {
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
      if case .average(let countsPadding) = pooling.mode {
        return try means(pooling, countsPadding: countsPadding, node, gradient)
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

  /// Means of windows that overlap: an element gets the mean, over the windows that it lies in, of
  /// their gradients with zeros between them.
  private mutating func means(
    _ pooling: Pooling, countsPadding: Bool, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    let (x, window) = (node.inputs[0], pooling.window)
    let given = shape(x)
    guard window.rank == given.rank - 2, !window.coversEnd else {
      throw missingRule(node, "a last place that covers the input in part has no rule")
    }
    let sizes = Array(given.dimensions.suffix(window.rank))
    var pulled = gradient
    if !countsPadding, (window.before + window.after).contains(where: { $0 > 0 }) {
      // Where a window covers padding, its mean is over fewer elements.
      let ones = try made(.expand(Expand(to: given)), constant(1))
      let share = try made(
        .pool(Pooling(window, mode: .average(countsPadding: true))), ones, format: .float32)
      pulled = try element(.divide, gradient, share)
    }
    var wide = try stretched(pulled, by: window.strides)
    var (before, after, behind) = ([0, 0], [0, 0], [Int]())
    for axis in 0..<window.rank {
      let reach = window.dilations[axis] * (window.kernel[axis] - 1)
      before.append(reach - window.before[axis])
      let rest = sizes[axis] + reach - shape(wide)[axis + 2] - before[axis + 2]
      after.append(max(0, rest))
      behind.append(max(0, -rest))
    }
    wide = try made(
      .pad(Pad(before: before, after: after)), cut(wide, firstAxis: 2, by: behind))
    let plain = SlidingWindow(window.kernel, dilations: window.dilations)
    try contribute(
      made(.pool(Pooling(plain, mode: .average(countsPadding: true))), wide), to: x)
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
