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

  /// The input's gradient from one operator, those of scale and bias from one more, which sums over
  /// the rows.
  private mutating func normalization(
    _ node: Node, _ gradient: String, epsilon: Double, isCentred: Bool
  ) throws(GraphError) {
    let (x, scale) = (node.inputs[0], node.inputs[1])
    let parameters = isCentred ? [scale, node.inputs[2]] : [scale]
    if parameters.contains(where: isActive) {
      let sums = try made(
        .normSums(NormSums(centres: isCentred, epsilon: epsilon)), gradient, x, format: .float32)
      for (row, name) in parameters.enumerated() where isActive(name) {
        let own =
          isCentred ? try made(.slice(start: row, count: 1), sums, format: .float32) : sums
        try contribute(reshaped(own, to: shape(name)), to: name)
      }
    }
    guard isActive(x) else { return }
    try contribute(
      made(.normGradient(NormGradient(centres: isCentred, epsilon: epsilon)), gradient, x, scale),
      to: x)
  }

  /// What an element adds to a product, a norm or a logarithm of sums; elements of a product are
  /// not to be 0.
  private mutating func sharing(_ kind: ReductionKind, _ x: String, _ y: String)
    throws(GraphError) -> String
  {
    switch kind {
    case .product: try element(.divide, y, x)
    case .l2: try element(.divide, x, y)
    case .logSum: try element(.exp, element(.negate, y))
    default: try element(.exp, element(.subtract, x, y))
    }
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
    case .l1: part = try element(.multiply, part, element(.sign, x))
    case .maximum, .minimum:
      // Elements as good as the result have equal shares.
      let best = try reshaped(node.outputs[0], to: kept)
      let isBest = try element(.equal, x, best)
      let ones = try element(.select, isBest, constant(1), constant(0))
      let number = try made(
        .reduce(Reduction(.sum, axes: axes.sorted(), keepsDimensions: true)), ones)
      part = try element(.multiply, ones, element(.divide, part, number))
    default:
      let y = try reshaped(node.outputs[0], to: kept)
      part = try element(.multiply, part, sharing(reduction.kind, x, y))
    }
    let wide = shape(part) == given ? part : try made(.expand(Expand(to: given)), part)
    try contribute(wide, to: x)
  }
}
