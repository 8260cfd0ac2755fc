import NumericFormats

/// Normalisations and shares along any axes, written with elementary operators.
extension ReverseMode {
  /// Sums or means that stay with length 1, in fp32.
  private mutating func along(_ kind: ReductionKind, _ axes: [Int], _ x: String)
    throws(GraphError) -> String
  {
    try made(.reduce(Reduction(kind, axes: axes, keepsDimensions: true)), x, format: .float32)
  }

  /// Softmax: y·(dY − Σ dY·y). Its logarithm: dY − exp(y)·Σ dY. The largest element's mark does not
  /// move.
  mutating func axisSoftmax(_ softmax: AxisSoftmax, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (x, y) = (node.inputs[0], node.outputs[0])
    let rank = shape(x).rank
    let first = softmax.axis < 0 ? softmax.axis + rank : softmax.axis
    let axes = softmax.mergesAxes ? Array(first..<rank) : [first]
    switch softmax.kind {
    case .hardmax: return
    case .softmax:
      let shared = try along(.sum, axes, element(.multiply, gradient, y))
      try contribute(element(.multiply, y, element(.subtract, gradient, shared)), to: x)
    case .logSoftmax:
      let sum = try along(.sum, axes, gradient)
      try contribute(
        element(.subtract, gradient, element(.multiply, element(.exp, y), sum)), to: x)
    }
  }

  /// With r the reciprocal deviation and g = dY·scale: dX = r·(g − mean g − x̂·mean g·x̂); without
  /// centring the mean of g is left out.
  mutating func axisNormalization(_ norm: AxisNormalization, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (x, scale) = (node.inputs[0], node.inputs[1])
    let rank = shape(x).rank
    let axes = Array((norm.axis < 0 ? norm.axis + rank : norm.axis)..<rank)
    let own = try normalized(x, axes, centres: norm.centres, epsilon: norm.epsilon)
    if isActive(scale) { try contribute(element(.multiply, gradient, own.value), to: scale) }
    if node.inputs.count > 2 { try contribute(gradient, to: node.inputs[2]) }
    guard isActive(x) else { return }
    let g = try element(.multiply, gradient, scale)
    try contribute(through(own, g, axes, centres: norm.centres), to: x)
  }

  /// x̂ and the reciprocal deviation.
  private typealias Normalized = (value: String, factor: String)

  private mutating func normalized(
    _ x: String, _ axes: [Int], centres: Bool, epsilon: Double
  ) throws(GraphError) -> Normalized {
    let centred =
      centres ? try element(.subtract, x, along(.mean, axes, x), format: .float32) : x
    let variance = try along(
      .mean, axes, element(.multiply, centred, centred, format: .float32))
    let factor = try element(
      .reciprocal,
      element(
        .sqrt, element(.add, variance, constant(epsilon), format: .float32), format: .float32),
      format: .float32)
    return (try element(.multiply, centred, factor, format: .float32), factor)
  }

  /// What a gradient in x̂ is in X.
  private mutating func through(
    _ own: Normalized, _ g: String, _ axes: [Int], centres: Bool
  ) throws(GraphError) -> String {
    let slope = try along(.mean, axes, element(.multiply, g, own.value, format: .float32))
    var rest = try element(
      .subtract, g, element(.multiply, own.value, slope, format: .float32), format: .float32)
    if centres { rest = try element(.subtract, rest, along(.mean, axes, g), format: .float32) }
    return try element(.multiply, rest, own.factor)
  }

  /// By given moments every channel is a line: X, scale, bias, mean and variance move it. By those
  /// of groups of channels, a normalisation of each group.
  mutating func channelNormalization(
    _ norm: ChannelNormalization, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    let (x, scale, bias) = (node.inputs[0], node.inputs[1], node.inputs[2])
    let given = shape(x)
    let channel = norm.layout.channelAxis
    let each = TensorShape((0..<given.rank).map { $0 == channel ? given[$0] : 1 })
    let wideScale = try reshaped(scale, to: each)
    if isActive(bias) { try contribute(perChannel(gradient, each, bias), to: bias) }
    let g = try element(.multiply, gradient, wideScale, format: .float32)
    guard case .groups(let groups) = norm.moments else {
      return try line(norm, node, (gradient, g), each)
    }
    // Channels of a group are an axis of their own, behind the groups.
    let apart = TensorShape(
      given.dimensions.prefix(channel) + [groups, given[channel] / groups]
        + given.dimensions.dropFirst(channel + 1))
    let axes = (channel + 1..<apart.rank).filter { norm.layout == .imagesFirst || $0 != 2 }
    let own = try normalized(
      reshaped(x, to: apart), axes, centres: true, epsilon: norm.epsilon)
    if isActive(scale) {
      let weighted = try element(.multiply, gradient, reshaped(own.value, to: given))
      try contribute(perChannel(weighted, each, scale), to: scale)
    }
    guard isActive(x) else { return }
    let slope = try through(own, reshaped(g, to: apart), axes, centres: true)
    try contribute(reshaped(slope, to: given), to: x)
  }

  /// One value of each channel, in the shape of a parameter.
  private mutating func perChannel(_ name: String, _ each: TensorShape, _ target: String)
    throws(GraphError) -> String
  {
    try reshaped(unbroadcast(name, to: each, for: target), to: shape(target))
  }

  /// With r = 1/√(variance + epsilon): dX = g·r, dScale = Σ dY·(X − mean)·r, dMean = −Σ g·r and
  /// dVariance = −Σ g·(X − mean)·r³/2.
  private mutating func line(
    _ norm: ChannelNormalization, _ node: Node, _ slopes: (plain: String, scaled: String),
    _ each: TensorShape
  ) throws(GraphError) {
    let (x, scale, mean, variance) = (
      node.inputs[0], node.inputs[1], node.inputs[3], node.inputs[4]
    )
    let wideVariance = try reshaped(variance, to: each)
    let factor = try element(
      .reciprocal, element(.sqrt, element(.add, wideVariance, constant(norm.epsilon))))
    let part = try element(.multiply, slopes.scaled, factor)
    try contribute(part, to: x)
    if isActive(mean) {
      try contribute(perChannel(element(.negate, part), each, mean), to: mean)
    }
    guard isActive(scale) || isActive(variance) else { return }
    let centred = try element(.subtract, x, reshaped(mean, to: each), format: .float32)
    let value = try element(.multiply, centred, factor, format: .float32)
    if isActive(scale) {
      try contribute(perChannel(element(.multiply, slopes.plain, value), each, scale), to: scale)
    }
    guard isActive(variance) else { return }
    let square = try element(.multiply, factor, constant(-0.5))
    let all = try element(.multiply, element(.multiply, part, value), square)
    try contribute(perChannel(all, each, variance), to: variance)
  }

  /// With n the norm of an axis: (dY − dn·Σ dY·y)/n, where dn is the sign of X or y itself.
  mutating func lpNormalization(_ norm: LpNormalization, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    let (x, y) = (node.inputs[0], node.outputs[0])
    let axes = [norm.axis]
    let size = try along(norm.power == 1 ? .l1 : .l2, axes, x)
    let shared = try along(.sum, axes, element(.multiply, gradient, y))
    let direction = norm.power == 1 ? try element(.sign, x) : y
    let rest = try element(.subtract, gradient, element(.multiply, direction, shared))
    try contribute(element(.divide, rest, size), to: x)
  }
}
