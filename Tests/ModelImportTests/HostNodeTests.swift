import ModelGraph
import ModelImport
import ONNXSchema
import Testing

@Suite("What the host evaluates because an input decides, and what no output needs, is listed")
struct HostNodeTests {
  /// x · w, twice, then the places of what is positive, their values, and a product of those with
  /// an input that decides nothing.
  private func chooser() -> ModelWriter {
    var writer = ModelWriter(opset: 18)
    writer.input("x", ["2", "3"])
    writer.input("scale", ["1"])
    writer.reals("w", [1, 0, 0, 0, 1, 0, 0, 0, -1], [3, 3])
    writer.node("Neg", ["w"], ["v"])
    writer.node("MatMul", ["x", "v"], ["a"])
    writer.node("Relu", ["a"], ["b"])
    writer.node("Shape", ["b"], ["size"])
    writer.node("NonZero", ["b"], ["places"])
    writer.node("Transpose", ["places"], ["tuples"])
    writer.node("GatherND", ["b", "tuples"], ["chosen"])
    writer.node("Mul", ["chosen", "scale"], ["y"])
    writer.node("Sqrt", ["scale"], ["unused"])
    writer.output("y")
    writer.output("size")
    return writer
  }

  private func options() throws -> ImportOptions {
    var options = ImportOptions()
    options.inputs["x"] = try TensorView(
      [-1, 2, 3, -4, -5, -6], shape: [2, 3], type: .float32)
    return options
  }

  @Test("A node that needs an input's value makes the host carry out what is before it")
  func hostNodes() throws {
    let imported = try chooser().model().imported(options())
    #expect(imported.graph.nodes.map(\.operation.name) == ["Mul"])
    #expect(imported.frozenInputs == ["x"])
    #expect(
      imported.hostNodes.map(\.operation)
        == ["MatMul", "Relu", "NonZero", "Transpose", "GatherND"])
    #expect(imported.hostNodes.map(\.node)[0] == "MatMul-a")
    // 2 · 2 · 3 · 3 operations; x, v and the product in fp32.
    #expect(imported.hostNodes[0].flops == 36 && imported.hostNodes[0].bytes == (6 + 9 + 6) * 4)
    #expect(
      Set(imported.hostNodes.map(\.reason))
        == ["NonZero 'NonZero-places' needs the values of input x"])
    // The negated weight and the shape follow from no input's value.
    #expect(imported.foldedCount == 2)
  }

  @Test("Nodes that feed no output are named, and the others are not")
  func unusedNodes() throws {
    let imported = try chooser().model().imported(options())
    #expect(imported.unusedNodes.map(\.operation) == ["Sqrt"])
    #expect(try classifier().model().imported(batchOfOne()).unusedNodes.isEmpty)
    #expect(try classifier().model().imported(batchOfOne()).hostNodes.isEmpty)
  }

  @Test("A condition that an input decides is the host's choice")
  func condition() throws {
    var writer = ModelWriter()
    writer.input("c", ["1"], type: 9)
    writer.input("x", ["2"])
    var branches: [Onnx_AttributeProto] = []
    for (name, operation) in [("then_branch", "Neg"), ("else_branch", "Abs")] {
      var attribute = Onnx_AttributeProto()
      attribute.name = name
      attribute.type = .graph
      attribute.g.node = [ModelWriter.node(operation, ["x"], ["inner"])]
      attribute.g.output = [ModelWriter.value("inner", nil, 1)]
      branches.append(attribute)
    }
    writer.node("If", ["c"], ["y"], branches)
    writer.output("y")
    var options = ImportOptions()
    options.inputs["c"] = try TensorView(integers: [1], shape: [1], type: .bool)
    let imported = try writer.model().imported(options)
    #expect(imported.graph.nodes.map(\.operation.name) == ["Neg"])
    #expect(imported.hostNodes.map(\.operation) == ["If"])
  }

  private func batchOfOne() -> ImportOptions {
    var options = ImportOptions()
    options.batch = 1
    return options
  }
}
