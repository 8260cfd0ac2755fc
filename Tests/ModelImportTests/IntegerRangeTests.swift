import ModelGraph
import ModelImport
import ONNXSchema
import Testing

@Suite("Whole numbers that 32 bits do not hold are refused, not cut")
struct IntegerRangeTests {
  private func adder(_ constant: Int64) -> ModelWriter {
    var writer = ModelWriter()
    writer.input("x", ["1"], type: 7)
    writer.integers("c", [constant])
    writer.node("Add", ["x", "c"], ["y"])
    writer.output("y")
    return writer
  }

  private func whole(_ values: [Int64]) throws -> TensorView {
    try TensorView(integers: values, shape: [values.count], type: .int64)
  }

  @Test(
    "A constant at the ends of the range passes, one beyond does not",
    arguments: [
      (Int64(Int32.max), true), (Int64(Int32.max) + 1, false), (Int64(Int32.min), true),
      (Int64(Int32.min) - 1, false), (1 << 32 + 5, false),
    ] as [(Int64, Bool)])
  func constants(value: Int64, fits: Bool) throws {
    let model = try adder(value).model()
    guard !fits else {
      _ = try model.imported(ImportOptions())
      return
    }
    let error = #expect(throws: ImportError.self) { try model.imported(ImportOptions()) }
    guard case .wideInteger(_, let node, let tensor, let found, let index, _)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(node == "Add-y" && tensor == "c" && found == "\(value)" && index == 0)
    #expect(error?.description.contains("no 64-bit integers") == true)
  }

  @Test("So is a value given for an input")
  func givenInput() throws {
    var options = ImportOptions()
    options.inputs["x"] = try whole([1 << 40])
    let model = try adder(1).model()
    let error = #expect(throws: ImportError.self) { try model.imported(options) }
    #expect(error?.description.contains("'x'") == true)
    // On the host it is exact to the last bit.
    options.inputs["x"] = try whole([1 << 53 + 1])
    options.foldsInputs = true
    #expect(try model.imported(options).outputs[0].constant?.integerValues == [1 << 53 + 2])
  }

  @Test("A narrow input takes no wider value")
  func narrowInput() throws {
    var writer = ModelWriter()
    writer.input("x", ["1"], type: 2)
    writer.node("Cast", ["x"], ["y"], [ModelWriter.integer("to", 1)])
    writer.output("y")
    var options = ImportOptions()
    options.inputs["x"] = try whole([256])
    let error = #expect(throws: ImportError.self) { try writer.model().imported(options) }
    #expect(error?.description.contains("256") == true)
  }

  @Test("Ends of slices and bounds of clips may be as large as they like")
  func harmless() throws {
    var writer = ModelWriter()
    writer.input("x", ["4"], type: 7)
    writer.integers("start", [1])
    writer.integers("end", [.max])
    writer.node("Slice", ["x", "start", "end"], ["part"])
    writer.integers("low", [.min])
    writer.integers("high", [.max])
    writer.node("Clip", ["part", "low", "high"], ["y"])
    writer.output("y")
    let imported = try writer.model().imported(ImportOptions())
    var bounds: [Int64] = []
    for tensor in imported.graph.givenTensors where tensor.role == .weight {
      if case .values(let constant) = tensor.fill { bounds += constant.view.integerValues }
    }
    #expect(bounds == [Int64(Int32.min), Int64(Int32.max)])
    // A lower bound that nothing on the device reaches is no bound that can be moved.
    writer.proto.graph.initializer[2].int64Data = [1 << 40]
    #expect(throws: ImportError.self) { try writer.model().imported(ImportOptions()) }
  }
}
