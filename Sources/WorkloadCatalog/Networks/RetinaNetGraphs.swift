import ModelGraph
import NumericFormats

/// RetinaNet on a ResNeXt feature pyramid: what MLPerf detected objects with until v5.1.
///
///     image → ResNeXt C3 C4 C5 → pyramid P3 … P7 → class head, box head (shared by all levels)
///
/// Box decoding and non-maximum suppression stay with the host, as in the detection harness.
/// Source: Lin et al., Focal Loss (2017); MLPerf training README: ResNeXt50-32x4d, 256 pyramid
/// channels, two heads of four convolutions, 9 anchors, 264 classes, 800 × 800.
struct RetinaNetGraphs: ReadableNetwork {
  /// Blocks per stage.
  var blocks: [Int]
  /// Groups of the grouped convolutions, and channels per group in the first stage.
  var groups: Int
  var perGroup: Int
  /// Channels of the first stage's results, of the pyramid, and of the stem.
  var width: Int
  var pyramid: Int
  var stem: Int
  /// Anchors per place.
  var anchors: Int
  /// Classes.
  var classes: Int
  /// Convolutions of a head before its last.
  var headDepth: Int
  /// Rows and columns of the image.
  var image: Int
  /// Images.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> RetinaNetGraphs {
    let blocks = try section.integers("blocks")
    guard (2...8).contains(blocks.count) else {
      throw section.badValue("blocks", expected: "the blocks of two to eight stages")
    }
    return RetinaNetGraphs(
      blocks: blocks, groups: try section.integer("groups"),
      perGroup: try section.integer("channels_per_group"), width: try section.integer("width"),
      pyramid: try section.integer("pyramid"), stem: try section.integer("stem"),
      anchors: try section.integer("anchors"), classes: try section.integer("classes"),
      headDepth: try section.integer("head_depth"), image: try section.integer("image"),
      batch: try section.integer("batch"))
  }

  var itemCount: Int { batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("image", [batch, 3, image, image])
    let levels = try pyramidLevels(try backbone(&builder), &builder)
    for (index, level) in levels.enumerated() {
      for (head, outputs) in [("class", anchors * classes), ("box", anchors * 4)] {
        var x = level
        for step in 0..<headDepth {
          x = try builder.convolution(
            x, to: pyramid, .init(kernel: 3), activation: .relu, weights: "\(head).conv\(step)",
            name: "p\(index + 3).\(head)\(step)")
        }
        try builder.convolution(
          x, to: outputs, .init(kernel: 3), weights: "\(head).last", name: "p\(index + 3).\(head)",
          role: .output)
      }
    }
    return try builder.finish()
  }

  /// Feature maps C3, C4 and C5.
  private func backbone(_ builder: inout GraphBuilder) throws(GraphError) -> [String] {
    var x = try builder.convolution(
      "image", to: stem, .init(kernel: 7, stride: 2), activation: .relu, isImage: true,
      name: "stem")
    x = try builder.pool(
      x, SlidingWindow([3, 3], strides: [2, 2], before: [1, 1]), .max, name: "stem.pool")
    var maps: [String] = []
    for (stage, count) in blocks.enumerated() {
      builder.layer = stage + 1
      for block in 0..<count {
        x = try self.block(
          x, stage, stride: stage > 0 && block == 0 ? 2 : 1, changesWidth: block == 0,
          name: "stage\(stage + 1).block\(block + 1)", &builder)
      }
      if stage > 0 { maps.append(x) }
    }
    builder.layer = nil
    return maps
  }

  private func block(
    _ x: String, _ stage: Int, stride: Int, changesWidth: Bool, name: String,
    _ builder: inout GraphBuilder
  ) throws(GraphError) -> String {
    let (narrow, wide) = (groups * perGroup << stage, width << stage)
    var shortcut = x
    if changesWidth {
      shortcut = try builder.convolution(
        x, to: wide, .init(kernel: 1, stride: stride), name: "\(name).shortcut")
    }
    let first = try builder.convolution(
      x, to: narrow, .init(kernel: 1), activation: .relu, name: "\(name).reduce")
    let second = try builder.convolution(
      first, to: narrow, .init(kernel: 3, stride: stride), groups: groups, activation: .relu,
      name: "\(name).conv3x3")
    return try builder.convolution(
      second, to: wide, .init(kernel: 1), activation: .relu, residual: shortcut, name: name)
  }

  /// P3 to P7: each level takes the one above it, twice as large, along.
  private func pyramidLevels(_ maps: [String], _ builder: inout GraphBuilder) throws(GraphError)
    -> [String]
  {
    var levels: [String] = []
    var above: String?
    for (index, map) in maps.enumerated().reversed() {
      let level = index + 3
      var larger: String?
      if let above {
        let sizes = [try builder.length(above, axis: 2), try builder.length(above, axis: 3)]
        larger = try builder.apply(
          .resize(.nearest(sizes, factor: 2)), to: [above], name: "p\(level).above")
      }
      let merged = try builder.convolution(
        map, to: pyramid, .init(kernel: 1), residual: larger, name: "p\(level).merged")
      levels.insert(
        try builder.convolution(merged, to: pyramid, .init(kernel: 3), name: "p\(level)"), at: 0)
      above = merged
    }
    let sixth = try builder.convolution(
      levels[levels.count - 1], to: pyramid, .init(kernel: 3, stride: 2), name: "p6")
    let active = try builder.apply(.relu, to: [sixth], name: "p6.relu")
    let seventh = try builder.convolution(
      active, to: pyramid, .init(kernel: 3, stride: 2), name: "p7")
    return levels + [sixth, seventh]
  }
}
