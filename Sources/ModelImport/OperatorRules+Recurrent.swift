import ModelGraph

extension OperatorRules {
  static var recurrent: [String: Rule] {
    var rules: [String: Rule] = [:]
    for cell in RecurrentCell.allCases { rules[cell.rawValue] = { try network(cell, $0) } }
    rules["GridSample"] = { reading in
      let words = ["bilinear": "linear", "bicubic": "cubic"]
      let given = reading.text("mode", "linear")
      guard let mode = ResizeMode(rawValue: words[given] ?? given),
        let padding = GridPadding(rawValue: reading.text("padding_mode", "zeros"))
      else { throw TranslationFailure("the mode \(given) is not known") }
      return reading.apply(
        .gridSample(
          GridSample(mode: mode, padding: padding, alignsCorners: reading.flag("align_corners"))))
    }
    rules["CenterCropPad"] = { reading in
      let shape = try reading.shape(0)
      let wanted = try reading.list(1, "the shape") ?? []
      let axes = reading.integers("axes") ?? Array(0..<shape.rank)
      guard wanted.count == axes.count, wanted.allSatisfy({ $0 >= 0 }) else {
        throw TranslationFailure("\(wanted) does not fit \(axes.count) axes")
      }
      var (before, after) = (shape.dimensions.map { _ in 0 }, shape.dimensions.map { _ in 0 })
      for (given, length) in zip(axes, wanted) {
        let axis = try reading.axis(given, rank: shape.rank)
        let added = length - shape[axis]
        // Half on either side, the odd one at the end.
        before[axis] = added / 2
        after[axis] = added - added / 2
      }
      return reading.apply(.pad(Pad(before: before, after: after)), 1)
    }
    return rules
  }

  private static func network(_ cell: RecurrentCell, _ reading: NodeReading) throws
    -> Translation
  {
    for name in ["activations", "activation_alpha", "activation_beta", "clip", "input_forget"]
    where reading.has(name) {
      throw TranslationFailure("only the usual activations are known; it says \(name)")
    }
    guard let direction = RecurrentDirection(rawValue: reading.text("direction", "forward")) else {
      throw TranslationFailure("the direction is not known")
    }
    let hidden = try reading.shape(2).columnCount
    return reading.apply(
      .recurrent(
        Recurrent(
          cell, direction: direction, hidden: reading.integer("hidden_size", hidden),
          resetsAfterProduct: reading.flag("linear_before_reset"),
          isBatchFirst: reading.flag("layout"))))
  }
}
