import ModelGraph
import NumericFormats

/// Layers over images in training.
extension GraphBuilder {
  /// What the name of a batch norm's running moments ends with.
  static let runningMoments = ".running"
  /// What is added to variances. Source: PyTorch's default (torch.nn.BatchNorm2d, eps).
  private static let epsilon = 1e-5
  /// What is kept of the running moments at each step. Source: the same, 1 − momentum.
  private static let kept = 0.9

  /// A convolution, the batch norm behind it, then a residual and a rectifier; activations are
  /// [channels, images, rows, columns]. Means and variances that inference would use run along.
  mutating func normalizedConvolution(
    _ x: String, to outputs: Int, _ window: SlidingWindow, isActive: Bool, residual: String?,
    isImage: Bool, name: String
  ) throws(GraphError) -> String {
    let inputs = try length(x, axis: isImage ? 1 : 0)
    try given(
      "\(name).w", [inputs, window.taps, outputs], role: .weight,
      fill: .normal(standardDeviation: (2 / Double(inputs * window.taps)).squareRoot()))
    for (part, low, high) in [("scale", 0.5, 1.5), ("shift", -0.5, 0.5)] {
      try given(
        "\(name).\(part)", [outputs], role: .weight, format: .float32,
        fill: .uniform(low: low, high: high))
    }
    let plain = try apply(
      .convolution(
        Convolution(
          window, inputLayout: isImage ? .imagesFirst : .channelsFirst,
          outputLayout: .channelsFirst, weightLayout: .inputsFirst)), to: [x, "\(name).w"],
      name: "\(name).conv")
    let moments = try apply(
      .batchMoments(BatchMoments()), to: [plain], name: "\(name).moments", format: .float32)
    try run(moments, outputs, name: name)
    let isLast = !isActive && residual == nil
    var result = try apply(
      .batchNorm(BatchNorm(epsilon: Self.epsilon)),
      to: [plain, "\(name).scale", "\(name).shift", moments],
      name: isLast ? name : "\(name).normal")
    if let residual {
      result = try apply(
        .add, to: [result, residual], name: isActive ? "\(name).sum" : name)
    }
    return isActive ? try apply(.relu, to: [result], name: name) : result
  }

  private mutating func run(_ moments: String, _ channels: Int, name: String) throws(GraphError) {
    let shape: TensorShape = [2, channels, 1, 1, 1]
    let old = try given(
      name + Self.runningMoments, shape, role: .state, format: .float32, fill: .constant(1))
    var parts: [String] = []
    for (tensor, share) in [(old, Self.kept), (moments, 1 - Self.kept)] {
      let factor = try given(
        "\(tensor).share", [1], role: .weight, format: .float32, fill: .constant(share))
      parts.append(
        try apply(
          .multiply, to: [tensor, factor], name: "\(tensor).part", format: .float32))
    }
    try apply(
      .add, to: parts, name: "\(name).next moments", format: .float32, role: .output,
      updates: old)
  }
}
