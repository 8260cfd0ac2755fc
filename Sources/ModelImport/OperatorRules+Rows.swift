import ModelGraph
import ONNXSchema

extension OperatorRules {
  /// Reductions, softmax, normalisations and searches along axes.
  static var rows: [String: Rule] {
    var rules: [String: Rule] = [:]
    for kind in ReductionKind.allCases { rules[kind.rawValue] = { try reduction(kind, $0) } }
    for kind in SoftmaxKind.allCases { rules[kind.rawValue] = { try softmax(kind, $0) } }
    for isLargest in [true, false] {
      rules[isLargest ? "ArgMax" : "ArgMin"] = { reading in
        reading.apply(
          .argExtreme(
            ArgExtreme(
              seeksLargest: isLargest, axis: reading.integer("axis", 0),
              keepsDimensions: reading.flag("keepdims", true),
              prefersLast: reading.flag("select_last_index"))))
      }
    }
    rules["TopK"] = { reading in
      guard let count = try reading.list(1, "k")?.first else {
        throw TranslationFailure("k is missing")
      }
      return reading.apply(
        .topK(
          TopK(
            count: count, axis: reading.integer("axis", -1),
            seeksLargest: reading.flag("largest", true), isSorted: reading.flag("sorted", true))),
        1)
    }
    rules["CumSum"] = { try cumulative(false, $0) }
    rules["CumProd"] = { try cumulative(true, $0) }
    rules["LayerNormalization"] = { try layerNormalization($0) }
    rules["RMSNormalization"] = { reading in
      let (x, scale) = (try reading.shape(0), try reading.shape(1))
      let axis = try reading.axis(reading.integer("axis", -1), rank: x.rank)
      let epsilon = reading.real("epsilon", Double(Float(1e-5)))
      if axis == x.rank - 1, scale.rank == 1, scale[0] == x.columnCount {
        return reading.apply(.rmsNormalization(epsilon: epsilon), 2)
      }
      return reading.apply(
        .axisNormalization(AxisNormalization(centres: false, axis: axis, epsilon: epsilon)), 2)
    }
    return rules
  }

  private static func reduction(_ kind: ReductionKind, _ reading: NodeReading) throws
    -> Translation
  {
    let rank = try reading.shape(0).rank
    var axes = try reading.list("axes", orInput: 1) ?? []
    if axes.isEmpty, !reading.flag("noop_with_empty_axes") { axes = Array(0..<rank) }
    return reading.apply(
      .reduce(
        Reduction(kind, axes: axes, keepsDimensions: reading.flag("keepdims", true))), 1)
  }

  private static func softmax(_ kind: SoftmaxKind, _ reading: NodeReading) throws -> Translation {
    let rank = try reading.shape(0).rank
    let merges = reading.opset < 13
    let axis = try reading.axis(reading.integer("axis", merges ? 1 : -1), rank: rank)
    if kind == .softmax, axis == rank - 1, rank > 0 { return reading.apply(.softmax, 1) }
    return reading.apply(.axisSoftmax(AxisSoftmax(kind, axis: axis, mergesAxes: merges)), 1)
  }

  private static func cumulative(_ multiplies: Bool, _ reading: NodeReading) throws
    -> Translation
  {
    guard let axis = try reading.list(1, "the axis")?.first else {
      throw TranslationFailure("the axis is missing")
    }
    return reading.apply(
      .cumulative(
        Cumulative(
          multiplies: multiplies, axis: axis, isExclusive: reading.flag("exclusive"),
          isReversed: reading.flag("reverse"))), 1)
  }

  private static func layerNormalization(_ reading: NodeReading) throws -> Translation {
    let (x, scale) = (try reading.shape(0), try reading.shape(1))
    let axis = try reading.axis(reading.integer("axis", -1), rank: x.rank)
    let epsilon = reading.real("epsilon", Double(Float(1e-5)))
    let wantsOne = reading.node.output.dropFirst().allSatisfy(\.isEmpty)
    if axis == x.rank - 1, reading.has(2), wantsOne, scale.rank == 1, scale[0] == x.columnCount,
      try reading.shape(2) == scale
    {
      return reading.apply(.layerNormalization(epsilon: epsilon), 3)
    }
    return reading.apply(
      .axisNormalization(AxisNormalization(centres: true, axis: axis, epsilon: epsilon)), 3)
  }
}
