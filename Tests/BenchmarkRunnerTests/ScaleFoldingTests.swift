import Lowering
import ModelGraph
import NumericFormats
import Testing

/// What follows a convolution channel by channel, folded into it.
@Suite struct ScaleFoldingTests {
  private func known(_ shape: TensorShape, seed: Double) throws -> TensorFill {
    let values = (0..<shape.elementCount).map {
      0.5 + (Double($0) * seed).truncatingRemainder(dividingBy: 1)
    }
    return .values(
      TensorConstant(
        try TensorView(values.map { Float($0) }, shape: shape, format: .float32)))
  }

  /// Convolution, batch norm, a product with one number, a sum with one per channel, Relu.
  private func graph(hasBias: Bool, isRead: Bool = false, sum: TensorShape = [6, 1, 1]) throws
    -> Graph
  {
    var builder = GraphBuilder(name: "net", format: .float32)
    try builder.given("x", [2, 4, 7, 5])
    var inputs = ["x", "w"]
    try builder.given("w", [6, 4, 3, 3], role: .weight, fill: known([6, 4, 3, 3], seed: 0.137))
    if hasBias {
      try builder.given("b", [6], role: .weight, fill: known([6], seed: 0.31))
      inputs.append("b")
    }
    let window = SlidingWindow([3, 3], before: [1, 1], after: [1, 1])
    try builder.apply(.convolution(Convolution(window)), to: inputs, name: "conv")
    var parameters = ["conv"]
    for (index, name) in ["scale", "offset", "mean", "variance"].enumerated() {
      try builder.given(
        name, [6], role: .weight, fill: known([6], seed: 0.17 + 0.1 * Double(index)))
      parameters.append(name)
    }
    try builder.apply(
      .channelNormalization(ChannelNormalization(.given)), to: parameters, name: "norm")
    try builder.given("factor", [1], role: .weight, fill: .constant(1.5))
    try builder.apply(
      .elementwise(Elementwise(.multiply)), to: ["factor", "norm"], name: "scaled")
    try builder.given("shift", sum, role: .weight, fill: known(sum, seed: 0.77))
    try builder.apply(
      .elementwise(Elementwise(.add)), to: ["scaled", "shift"], name: "shifted")
    try builder.apply(
      .elementwise(Elementwise(.relu)), to: ["shifted"], name: "y", role: .output)
    if isRead {
      try builder.apply(
        .elementwise(Elementwise(.negate)), to: ["norm"], name: "z", role: .output)
    }
    return try builder.finish()
  }

  @Test(arguments: [true, false])
  func oneKernelIsLeft(hasBias: Bool) throws {
    let lowered = try OperatorCase(try graph(hasBias: hasBias)).check(agreeing: 1e-5)
    #expect(lowered.steps.count == 1)
    #expect(lowered.graph.nodes.map(\.operation.name) == ["Conv", "Relu"])
  }

  /// A step that somebody else reads stays; so does a sum that tells places apart.
  @Test func whatOthersReadStays() throws {
    let read = try OperatorCase(try graph(hasBias: true, isRead: true)).check(agreeing: 1e-5)
    #expect(read.graph.nodes.contains { $0.name == "scaled" })
    let places = try OperatorCase(try graph(hasBias: true, sum: [1, 7, 5])).check(agreeing: 1e-5)
    #expect(places.graph.nodes.contains { $0.name == "shifted" })
  }

  /// Weights that a run gives anew are not known.
  @Test func seededWeightsStay() throws {
    var builder = GraphBuilder(name: "net", format: .float32)
    try builder.given("x", [1, 4, 6, 6])
    try builder.given("w", [4, 4, 1, 1], role: .weight)
    try builder.given("factor", [1], role: .weight, fill: .constant(2))
    try builder.apply(
      .convolution(Convolution(SlidingWindow([1, 1]))), to: ["x", "w"], name: "conv")
    try builder.apply(
      .elementwise(Elementwise(.multiply)), to: ["conv", "factor"], name: "y", role: .output)
    let lowered = try OperatorCase(try builder.finish()).check()
    #expect(lowered.graph.nodes.count == 2)
  }

  /// Groups, depthwise channels, and weights that two convolutions read; 16 bits stay.
  @Test(arguments: [1, 2, 4], [NumberFormat.float32, .bfloat16])
  func groupsAndSharedWeights(groups: Int, format: NumberFormat) throws {
    var builder = GraphBuilder(name: "net", format: format)
    try builder.given("x", [1, 4, 6, 6])
    let shape: TensorShape = [4, 4 / groups, 1, 1]
    let values = (0..<shape.elementCount).map { Float($0 % 5 + 1) / 4 }
    try builder.given(
      "w", shape, role: .weight,
      fill: .values(TensorConstant(try TensorView(values, shape: shape, format: .float32))))
    try builder.given(
      "factor", [4, 1, 1], role: .weight,
      fill: .values(
        TensorConstant(try TensorView([1, 0.5, -2, 4], shape: [4, 1, 1], format: format))))
    for (name, role) in [("a", TensorRole.intermediate), ("b", .output)] {
      try builder.apply(
        .convolution(Convolution(SlidingWindow([1, 1]), groups: groups)), to: ["x", "w"],
        name: name, role: role)
    }
    try builder.apply(
      .elementwise(Elementwise(.multiply)), to: ["a", "factor"], name: "y", role: .output)
    // Factors that are powers of two leave weights exact.
    let lowered = try OperatorCase(try builder.finish()).check(agreeing: 1e-5)
    #expect(lowered.graph.nodes.count == (format == .float32 ? 2 : 3))
  }
}
