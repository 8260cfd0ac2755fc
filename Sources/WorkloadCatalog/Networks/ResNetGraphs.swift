import ModelGraph
import NumericFormats

/// ResNet v1.5 with bottleneck blocks: the stride sits in the 3 × 3 convolution.
///
///     image → 7×7/2 → max 3×3/2 → stages of blocks → average → classes
///     block:  x → 1×1 → 3×3 → 1×1 → + x → relu
///
/// Batch norms are folded into weights and biases, as inference does.
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

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> ResNetGraphs {
    ResNetGraphs(
      blocks: try section.integers("blocks"), width: try section.integer("width"),
      image: try section.integer("image"), batch: try section.integer("batch"),
      classes: try section.integer("classes"))
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("image", [batch, 3, image, image])
    var x = try builder.convolution(
      "image", to: width, .init(kernel: 7, stride: 2), activation: .relu, isImage: true,
      name: "stem")
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
    return try builder.finish()
  }

  private func bottleneck(
    _ x: String, narrow: Int, stride: Int, changesWidth: Bool, name: String,
    _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    var shortcut = x
    if changesWidth {
      shortcut = try builder.convolution(
        x, to: 4 * narrow, .init(kernel: 1, stride: stride), name: "\(name).shortcut")
    }
    let first = try builder.convolution(
      x, to: narrow, .init(kernel: 1), activation: .relu, name: "\(name).reduce")
    let second = try builder.convolution(
      first, to: narrow, .init(kernel: 3, stride: stride), activation: .relu,
      name: "\(name).conv3x3")
    return try builder.convolution(
      second, to: 4 * narrow, .init(kernel: 1), activation: .relu, residual: shortcut,
      name: name)
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
