import NumericFormats

/// Operators over the last axis, and reductions.
extension ReverseMode {
  mutating func row(_ node: Node, _ gradient: String) throws(GraphError) {
    switch node.operation {
    case .softmax: try contribute(softmax(node.outputs[0], gradient), to: node.inputs[0])
    case .rmsNormalization(let epsilon):
      try normalization(node, gradient, epsilon: epsilon, isCentred: false)
    case .layerNormalization(let epsilon):
      try normalization(node, gradient, epsilon: epsilon, isCentred: true)
    case .softmaxCrossEntropyLoss:
      let plain = try made(.softmaxCrossEntropyGradient, node.inputs[0], node.inputs[1])
      try contribute(
        isSeed(gradient) ? plain : element(.multiply, plain, gradient), to: node.inputs[0])
    default: throw missingRule(node)
    }
  }

  /// y·(dY − Σ dY·y) over the last axis.
  mutating func softmax(_ y: String, _ gradient: String) throws(GraphError) -> String {
    let shared = try lastAxis(.sum, element(.multiply, gradient, y))
    return try element(.multiply, y, element(.subtract, gradient, shared))
  }

  /// A reduction over the last axis, which stays with length 1, in fp32.
  private mutating func lastAxis(_ kind: ReductionKind, _ x: String) throws(GraphError) -> String {
    try made(
      .reduce(Reduction(kind, axes: [-1], keepsDimensions: true)), x, format: .float32)
  }

  /// x̂ = (x − μ)·r with r = 1/√(mean of squares + ε), μ = 0 unless centred; g = dY·scale:
  /// dX = r·(g − [mean g] − x̂·mean(g·x̂)), dScale = Σ dY·x̂, dBias = Σ dY over the rows.
  private mutating func normalization(
    _ node: Node, _ gradient: String, epsilon: Double, isCentred: Bool
  ) throws(GraphError) {
    let (x, scale) = (node.inputs[0], node.inputs[1])
    var centred = x
    if isCentred {
      centred = try element(.subtract, x, lastAxis(.mean, x), format: .float32)
    }
    let squares = try lastAxis(.mean, element(.multiply, centred, centred, format: .float32))
    let deviation = try element(
      .sqrt, element(.add, squares, constant(epsilon), format: .float32), format: .float32)
    let normal = try element(.divide, centred, deviation, format: .float32)
    let rows = node.inputs.count > 2 ? [node.inputs[1], node.inputs[2]] : [scale]
    if isActive(scale) {
      try contribute(rowSum(element(.multiply, gradient, normal), like: scale), to: scale)
    }
    if isCentred, isActive(rows[1]) {
      try contribute(rowSum(gradient, like: rows[1]), to: rows[1])
    }
    guard isActive(x) else { return }
    let columns: TensorShape = [shape(x).columnCount]
    let weighted = try element(.multiply, gradient, reshaped(scale, to: columns), format: .float32)
    let along = try lastAxis(.mean, element(.multiply, weighted, normal, format: .float32))
    var rest = try element(
      .subtract, weighted, element(.multiply, normal, along, format: .float32), format: .float32)
    if isCentred {
      rest = try element(.subtract, rest, lastAxis(.mean, weighted), format: .float32)
    }
    try contribute(element(.divide, rest, deviation), to: x)
  }

  /// The sum over all axes but the last.
  private mutating func rowSum(_ name: String, like target: String) throws(GraphError) -> String {
    let axes = Array(0..<max(0, shape(name).rank - 1))
    guard gradientFormat(target) != .float32 else {
      // The tensor engine adds up all rows.
      let rows = try reshaped(name, to: [shape(name).rowCount, shape(name).columnCount])
      return try reshaped(made(.reduceSum, rows, format: .float32), to: shape(target))
    }
    let summed = try made(
      .reduce(Reduction(.sum, axes: axes, keepsDimensions: false)), name,
      format: gradientFormat(target))
    return try reshaped(summed, to: shape(target))
  }

  /// Sums and means hand their gradient to every element.
  mutating func reduction(_ node: Node, _ gradient: String) throws(GraphError) {
    let x = node.inputs[0]
    let given = shape(x)
    let reduction: Reduction =
      if case .reduce(let family) = node.operation { family } else {
        Reduction(.sum, axes: [0], keepsDimensions: false)
      }
    let axes = Set(reduction.axes.map { $0 < 0 ? $0 + given.rank : $0 })
    let kept = TensorShape((0..<given.rank).map { axes.contains($0) ? 1 : given[$0] })
    let count = axes.reduce(1) { $0 * given[$1] }
    var part = try reshaped(gradient, to: kept)
    switch reduction.kind {
    case .sum: break
    case .mean: part = try element(.multiply, part, constant(1 / Double(count)))
    case .sumOfSquares:
      part = try element(.multiply, part, element(.multiply, x, constant(2)))
    default: throw missingRule(node)
    }
    let wide = shape(part) == given ? part : try made(.expand(Expand(to: given)), part)
    try contribute(wide, to: x)
  }
}
