import ModelGraph
import NumericFormats

/// Layers over images, activations as [channels, images, rows, columns]: what the device likes
/// best.
extension GraphBuilder {
  /// One side of a square window.
  struct Square {
    var kernel: Int
    var stride = 1
    var padding: Int?
    var dilation = 1

    /// The window over two axes; padding keeps the size unless given.
    var window: SlidingWindow {
      let pad = padding ?? (kernel - 1) / 2 * dilation
      return SlidingWindow(
        [kernel, kernel], strides: [stride, stride], dilations: [dilation, dilation],
        before: [pad, pad], after: [pad, pad])
    }
  }

  /// What follows a convolution.
  enum Activation { case none, relu, silu }

  /// The length of an axis of a tensor. Throws `unknownTensor`.
  func length(_ tensor: String, axis: Int) throws(GraphError) -> Int {
    guard let found = graph.tensor(tensor) else {
      throw .unknownTensor(node: "builder", tensor: tensor)
    }
    return found.shape[axis]
  }

  /// A convolution with a bias (a batch norm folded into both), then a residual and an activation.
  ///
  /// - Parameters:
  ///   - isImage: x is stored as [images, channels, rows, columns]: the network's input.
  ///   - weights: the name of weights that several convolutions share; `name` unless given.
  @discardableResult
  mutating func convolution(
    _ x: String, to outputs: Int, _ square: Square, groups: Int = 1, activation: Activation = .none,
    residual: String? = nil, isImage: Bool = false, weights: String? = nil, name: String,
    format: NumberFormat? = nil, role: TensorRole = .intermediate
  ) throws(GraphError) -> String {
    try convolution(
      x, to: outputs, square.window, groups: groups, activation: activation, residual: residual,
      isImage: isImage, weights: weights, name: name, format: format, role: role)
  }

  /// The same with any window.
  @discardableResult
  mutating func convolution(
    _ x: String, to outputs: Int, _ window: SlidingWindow, groups: Int = 1,
    activation: Activation = .none, residual: String? = nil, isImage: Bool = false,
    weights: String? = nil, name: String, format: NumberFormat? = nil,
    role: TensorRole = .intermediate
  ) throws(GraphError) -> String {
    let weights = weights ?? name
    if graph.tensor("\(weights).w") == nil {
      let perGroup = try length(x, axis: isImage ? 1 : 0) / groups
      let depth = perGroup * window.taps
      // A rectifier halves the energy: weights make up for it.
      let gain = activation == .relu ? 2.0 : 1
      try given(
        "\(weights).w", [perGroup, window.taps, outputs], role: .weight,
        fill: .normal(standardDeviation: (gain / Double(depth)).squareRoot()))
      try given(
        "\(weights).b", [outputs], role: .weight, format: .float32,
        fill: .uniform(low: -0.1, high: 0.1))
    }
    let operation = Operator.convolution(
      Convolution(
        window, groups: groups, inputLayout: isImage ? .imagesFirst : .channelsFirst,
        outputLayout: .channelsFirst, weightLayout: .inputsFirst))
    let isLast = activation == .none && residual == nil
    var result = try apply(
      operation, to: [x, "\(weights).w", "\(weights).b"], name: isLast ? name : "\(name).conv",
      format: format, role: isLast ? role : .intermediate)
    if let residual {
      result = try apply(
        .add, to: [result, residual], name: activation == .none ? name : "\(name).sum",
        format: format, role: activation == .none ? role : .intermediate)
    }
    switch activation {
    case .none: return result
    case .relu: return try apply(.relu, to: [result], name: name, format: format, role: role)
    case .silu: return try apply(.silu, to: [result], name: name, format: format, role: role)
    }
  }

  /// Pooling over two axes.
  @discardableResult
  mutating func pool(_ x: String, _ window: SlidingWindow, _ mode: Pooling.Mode, name: String)
    throws(GraphError) -> String
  {
    try apply(.pool(Pooling(window, mode: mode)), to: [x], name: name)
  }

  /// A group norm with an activation.
  @discardableResult
  mutating func groupNorm(
    _ x: String, groups: Int, epsilon: Double = 1e-5, activation: Activation = .none, name: String
  ) throws(GraphError) -> String {
    let channels = try length(x, axis: 0)
    try given(
      "\(name).scale", [channels], role: .weight, format: .float32,
      fill: .uniform(low: 0.5, high: 1.5))
    try given(
      "\(name).shift", [channels], role: .weight, format: .float32,
      fill: .uniform(low: -0.5, high: 0.5))
    let normal = try apply(
      .channelNormalization(
        ChannelNormalization(.groups(groups), epsilon: epsilon, layout: .channelsFirst)),
      to: [x, "\(name).scale", "\(name).shift"],
      name: activation == .none ? name : "\(name).normal")
    switch activation {
    case .none: return normal
    case .relu: return try apply(.relu, to: [normal], name: name)
    case .silu: return try apply(.silu, to: [normal], name: name)
    }
  }

  /// x · W + b, activations by rows, with a residual if there is one.
  @discardableResult
  mutating func dense(
    _ x: String, from inputs: Int, to outputs: Int, isTransposed: Bool = false,
    residual: String? = nil, name: String, format: NumberFormat? = nil,
    role: TensorRole = .intermediate
  ) throws(GraphError) -> String {
    try weight("\(name).w", rows: inputs, columns: outputs)
    try given(
      "\(name).b", [outputs], role: .weight, format: .float32,
      fill: .uniform(low: -0.1, high: 0.1))
    let product = try product(
      x, "\(name).w", name: "\(name).product", transposeA: isTransposed, format: format)
    let isLast = residual == nil
    let sum = try apply(
      .add, to: [product, "\(name).b"], name: isLast ? name : "\(name).biased", format: format,
      role: isLast ? role : .intermediate)
    guard let residual else { return sum }
    return try apply(.add, to: [sum, residual], name: name, format: format, role: role)
  }
}
