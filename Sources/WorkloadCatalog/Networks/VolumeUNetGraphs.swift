import ModelGraph
import NumericFormats

/// The 3D U-Net of MLPerf's kidney segmentation, one patch.
///
///     patch → level: two (3×3×3 convolution, instance norm, rectifier)
///           → down by a convolution of stride 2, again … → up by a transposed convolution,
///             concatenate the level's result, two convolutions → 1×1×1 convolution
///
/// Source: MLPerf training README (unet3d): channels 32-64-128-256-320 and a bottleneck of 320,
/// 1 input channel, 3 classes, patches of 128³.
struct VolumeUNetGraphs: ReadableNetwork {
  /// Channels of each level; the last is repeated at the bottleneck.
  var channels: [Int]
  /// Edge of the patch.
  var patch: Int
  /// Channels of the patch, and classes.
  var inputs: Int
  var classes: Int
  /// Patches.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> VolumeUNetGraphs {
    VolumeUNetGraphs(
      channels: try section.integers("channels"), patch: try section.integer("patch"),
      inputs: try section.integer("inputs"), classes: try section.integer("classes"),
      batch: try section.integer("batch"))
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("patch", [inputs, batch, patch, patch, patch])
    var x = try level("patch", channels[0], stride: 1, name: "down0", &builder)
    var skips = [x]
    for (index, count) in channels.enumerated().dropFirst() {
      x = try level(x, count, stride: 2, name: "down\(index)", &builder)
      skips.append(x)
    }
    let last = channels[channels.count - 1]
    x = try level(x, last, stride: 2, name: "bottleneck", &builder)
    for (index, count) in channels.enumerated().reversed() {
      x = try upsample(x, to: count, name: "up\(index)", &builder)
      let joined = try builder.apply(
        .concatenate(Concatenation(axis: 0)), to: [x, skips[index]], name: "up\(index).joined")
      x = try level(joined, count, stride: 1, name: "up\(index).level", &builder)
    }
    try builder.convolution(
      x, to: classes, SlidingWindow([1, 1, 1]), name: "segments", role: .output)
    return try builder.finish()
  }

  /// Two convolutions, each with its norm and rectifier; the first one may halve the size.
  private func level(
    _ x: String, _ count: Int, stride: Int, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    var result = x
    for (index, step) in [stride, 1].enumerated() {
      let window = SlidingWindow(
        [3, 3, 3], strides: [step, step, step], before: [1, 1, 1])
      let conv = try builder.convolution(
        result, to: count, window, name: "\(name).conv\(index)")
      result = try builder.groupNorm(
        conv, groups: count, activation: .relu, name: "\(name).norm\(index)")
    }
    return result
  }

  private func upsample(
    _ x: String, to outputs: Int, name: String, _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let inputs = try builder.length(x, axis: 0)
    try builder.given(
      "\(name).w", [inputs, 8, outputs], role: .weight,
      fill: .normal(standardDeviation: 1 / Double(inputs).squareRoot()))
    try builder.given(
      "\(name).b", [outputs], role: .weight, format: .float32,
      fill: .uniform(low: -0.1, high: 0.1))
    let window = SlidingWindow([2, 2, 2], strides: [2, 2, 2])
    return try builder.apply(
      .transposedConvolution(
        TransposedConvolution(window, layout: .channelsFirst, isTapsFirst: true)),
      to: [x, "\(name).w", "\(name).b"], name: name)
  }
}
