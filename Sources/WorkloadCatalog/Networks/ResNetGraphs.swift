import ModelGraph
import NumericFormats

/// ResNet v1.5 with bottleneck blocks: the stride sits in the 3 × 3 convolution.
///
///     image → 7×7/2 → max 3×3/2 → stages of blocks → average → classes
///     block:  x → 1×1 → 3×3 → 1×1 → + x → relu
///
/// For inference batch norms are folded into weights and biases; in training each convolution has
/// one behind it, by the moments of its batch.
/// Source: He et al., Deep Residual Learning (2015), table 1; torchvision and MLPerf for v1.5.
struct ResNetGraphs: ReadableNetwork {
  /// Blocks per stage: 3, 4, 6, 3 for ResNet-50.
  var blocks: [Int]
  /// Channels of the first stage's narrow convolutions: 64.
  var width: Int
  /// Rows and columns of the image.
  var image: Int
  /// Images.
  var batch: Int
  /// Classes.
  var classes: Int
  /// Trains: forward, backward and this step.
  var optimizer: Optimizer?
  package var isTraining: Bool { optimizer != nil }

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> ResNetGraphs {
    var graphs = ResNetGraphs(
      blocks: try section.integers("blocks"), width: try section.integer("width"),
      image: try section.integer("image"), batch: try section.integer("batch"),
      classes: try section.integer("classes"))
    if section.has("optimizer") {
      graphs.optimizer = try TrainingParameters.optimizer(section.section("optimizer"))
    }
    return graphs
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    builder.trainsWeights = optimizer != nil
    try builder.given("image", [batch, 3, image, image])
    var x = try convolution(
      "image", to: width, .init(kernel: 7, stride: 2), isActive: true, isImage: true,
      name: "stem", &builder)
    x = try builder.pool(
      x, SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]), .max, name: "stem.pool")
    for (stage, count) in blocks.enumerated() {
      builder.layer = stage + 1
      for block in 0..<count {
        x = try bottleneck(
          x, narrow: width << stage, stride: stage > 0 && block == 0 ? 2 : 1,
          changesWidth: block == 0, name: "stage\(stage + 1).block\(block + 1)", &builder)
      }
    }
    builder.layer = nil
    try classifier(x, &builder)
    if let optimizer { try train(optimizer, &builder) }
    return try builder.finish()
  }

  private func bottleneck(
    _ x: String, narrow: Int, stride: Int, changesWidth: Bool, name: String,
    _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    var shortcut = x
    if changesWidth {
      shortcut = try convolution(
        x, to: 4 * narrow, .init(kernel: 1, stride: stride), isActive: false,
        name: "\(name).shortcut", &builder)
    }
    let first = try convolution(
      x, to: narrow, .init(kernel: 1), isActive: true, name: "\(name).reduce", &builder)
    let second = try convolution(
      first, to: narrow, .init(kernel: 3, stride: stride), isActive: true,
      name: "\(name).conv3x3", &builder)
    return try convolution(
      second, to: 4 * narrow, .init(kernel: 1), isActive: true, residual: shortcut, name: name,
      &builder)
  }

  /// A convolution with its batch norm, folded or not, a residual and a rectifier.
  private func convolution(
    _ x: String, to outputs: Int, _ square: GraphBuilder.Square, isActive: Bool,
    residual: String? = nil, isImage: Bool = false, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    optimizer == nil
      ? try builder.convolution(
        x, to: outputs, square, activation: isActive ? .relu : .none, residual: residual,
        isImage: isImage, name: name)
      : try builder.normalizedConvolution(
        x, to: outputs, square.window, isActive: isActive, residual: residual, isImage: isImage,
        name: name)
  }

  /// The mean cross-entropy, its derivatives, and the step.
  private func train(_ optimizer: Optimizer, _ builder: inout GraphBuilder) throws(GraphError) {
    builder.trainsWeights = false
    try builder.given("labels", [batch], format: .int32, fill: .indices(count: classes))
    try builder.apply(
      .softmaxCrossEntropyLoss, to: ["logits", "labels"], name: "loss", format: .float32,
      role: .output)
    let weights = builder.graph.tensors
      .filter { $0.role == .state && !$0.name.hasSuffix(GraphBuilder.runningMoments) }
      .map(\.name)
    try builder.step(optimizer, builder.differentiate("loss", in: weights))
  }

  private func classifier(_ x: String, _ builder: inout GraphBuilder) throws(GraphError) {
    let channels = try builder.length(x, axis: 0)
    let size = try builder.length(x, axis: 2)
    let pooled = try builder.pool(
      x, SlidingWindow([size, size]), .average(countsPadding: false), name: "pooled")
    try builder.apply(
      .reshape(Reshape(to: [channels, batch])), to: [pooled], name: "features")
    try builder.dense(
      "features", from: channels, to: classes, isTransposed: true, name: "logits",
      format: .float32, role: .output)
  }
}
