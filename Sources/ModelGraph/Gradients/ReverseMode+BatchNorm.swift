import NumericFormats

/// Batch normalisation, in training and by given moments.
extension ReverseMode {
  /// With x̂ the normalised X, n elements per channel: dBias = Σ dY, dScale = Σ dY·x̂ and
  /// dX = scale/√(variance + epsilon) · (dY − dBias/n − x̂·dScale/n) where the moments are those of
  /// X: what X does to them is in there, and no part is left for them. By other moments, which must
  /// not move, dX = scale/√(variance + epsilon) · dY.
  mutating func batchNorm(_ norm: BatchNorm, _ node: Node, _ gradient: String) throws(GraphError) {
    let (x, scale, bias, moments) = (
      node.inputs[0], node.inputs[1], node.inputs[2], node.inputs[3]
    )
    let lengths = shape(x)
    let each = TensorShape([lengths[0]] + lengths.dimensions.dropFirst().map { _ in 1 })
    let sums = try made(
      .batchSums(BatchSums(epsilon: norm.epsilon)), gradient, x, moments, format: .float32)
    let plain = try part(sums, 0, each)
    let weighted = try part(sums, 1, each)
    if isActive(bias) { try contribute(reshaped(plain, to: shape(bias)), to: bias) }
    if isActive(scale) { try contribute(reshaped(weighted, to: shape(scale)), to: scale) }
    let areOwn = builder.graph.nodes.contains {
      if case .batchMoments = $0.operation {
        $0.inputs[0] == x && $0.outputs[0] == moments
      } else {
        false
      }
    }
    guard areOwn || !isActive(moments) else {
      throw missingRule(node, "moments of another tensor have to be constant")
    }
    guard isActive(x) else { return }
    let share = try constant(Double(lengths[0]) / Double(lengths.elementCount))
    // What is the same for a channel is worked out once; the rest is one chain.
    let variance = try element(
      .add, part(moments, 1, each), constant(norm.epsilon), format: .float32)
    let deviation = try element(.sqrt, variance, format: .float32)
    let factor = try element(.divide, reshaped(scale, to: each), deviation, format: .float32)
    guard areOwn else { return try contribute(element(.multiply, gradient, factor), to: x) }
    let slope = try element(
      .divide, element(.multiply, weighted, share, format: .float32), deviation, format: .float32)
    let level = try element(.multiply, plain, share, format: .float32)
    let centred = try element(.subtract, x, part(moments, 0, each), format: .float32)
    let leaning = try element(.multiply, centred, slope, format: .float32)
    let rest = try element(
      .subtract, element(.subtract, gradient, leaning, format: .float32), level, format: .float32)
    try contribute(element(.multiply, rest, factor), to: x)
  }

  /// One of the two halves of moments or sums, as a value per channel.
  private mutating func part(_ name: String, _ index: Int, _ each: TensorShape) throws(GraphError)
    -> String
  {
    try reshaped(
      made(.slice(start: index, count: 1), name, format: format(of: name)), to: each)
  }
}
