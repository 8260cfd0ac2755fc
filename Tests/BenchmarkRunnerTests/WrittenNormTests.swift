import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Norms as exporters of older operator sets write them.
@Suite struct WrittenNormTests {
  private func graph(
    centres: Bool, usesReciprocal: Bool, format: NumberFormat, isRead: Bool = false
  ) throws -> Graph {
    var builder = GraphBuilder(name: "norm", format: format)
    func element(
      _ function: ElementwiseFunction, _ inputs: [String], _ name: String,
      _ builder: inout GraphBuilder
    ) throws -> String {
      try builder.apply(.elementwise(Elementwise(function)), to: inputs, name: name)
    }
    func mean(_ input: String, _ name: String, _ builder: inout GraphBuilder) throws -> String {
      try builder.apply(
        .reduce(Reduction(.mean, axes: [-1], keepsDimensions: true)), to: [input], name: name)
    }
    try builder.given("x", [40, 96], fill: .normal(standardDeviation: 1))
    try builder.given("scale", [96], role: .weight, fill: .normal(standardDeviation: 1))
    try builder.given("bias", [96], role: .weight, fill: .normal(standardDeviation: 1))
    for (name, value) in [("epsilon", 1e-5), ("two", 2), ("one", 1)] {
      try builder.given(name, [1], role: .weight, format: .float32, fill: .constant(value))
    }
    var value = "x"
    if centres {
      value = try element(.subtract, ["x", mean("x", "mean", &builder)], "centred", &builder)
    }
    let square =
      usesReciprocal
      ? try element(.multiply, [value, value], "square", &builder)
      : try element(.power, [value, "two"], "square", &builder)
    let sum = try element(
      .add, [mean(square, "variance", &builder), "epsilon"], "sum", &builder)
    let root = try element(.sqrt, [sum], "root", &builder)
    let normal =
      usesReciprocal
      ? try element(
        .multiply, [value, element(.divide, ["one", root], "inverse", &builder)], "normal",
        &builder)
      : try element(.divide, [value, root], "normal", &builder)
    if centres {
      let scaled = try element(.multiply, [normal, "scale"], "scaled", &builder)
      try builder.apply(
        .elementwise(Elementwise(.add)), to: [scaled, "bias"], name: "y", role: .output)
    } else {
      try builder.apply(
        .elementwise(Elementwise(.multiply)), to: ["scale", normal], name: "y", role: .output)
    }
    if isRead {
      try builder.apply(
        .elementwise(Elementwise(.negate)), to: [root], name: "z", role: .output)
    }
    return try builder.finish()
  }

  @Test(arguments: [false, true], [false, true])
  func areOneKernel(centres: Bool, usesReciprocal: Bool) throws {
    for (format, tolerance) in [(NumberFormat.float32, 1e-5), (.bfloat16, 0.05)] {
      let graph = try graph(centres: centres, usesReciprocal: usesReciprocal, format: format)
      let lowered = try OperatorCase(graph).check(agreeing: tolerance)
      #expect(lowered.graph.nodes.count == 1, "\(lowered.graph.nodes.map(\.name))")
      let expected: ModelGraph.Operator =
        centres ? .layerNormalization(epsilon: 1e-5) : .rmsNormalization(epsilon: 1e-5)
      #expect(lowered.graph.nodes.first?.operation == expected)
    }
  }

  /// A step that somebody else reads has to be computed.
  @Test func stepsWithOtherReadersStay() throws {
    let graph = try graph(
      centres: false, usesReciprocal: false, format: .float32, isRead: true)
    let lowered = try OperatorCase(graph).check(agreeing: 1e-5)
    #expect(lowered.graph.nodes.count > 1)
  }
}
