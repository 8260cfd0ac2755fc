import ModelGraph
import ModelImport
import ONNXSchema
import Testing

@Suite("Functions of a file cannot become more nodes than memory holds")
struct FunctionSizeTests {
  /// Functions G0, G1, …, each of which calls the next one `calls` times; the last is Relu.
  private func nested(_ count: Int, calls: Int) -> ModelWriter {
    var writer = ModelWriter()
    writer.input("x", ["2"])
    writer.node("G0", ["x"], ["y"], domain: "mine")
    writer.output("y")
    writer.proto.functions = (0..<count).map { level in
      function("G\(level)", calling: level + 1 < count ? "G\(level + 1)" : "Relu", calls)
    }
    return writer
  }

  private func function(_ name: String, calling other: String, _ calls: Int)
    -> Onnx_FunctionProto
  {
    var function = Onnx_FunctionProto()
    function.name = name
    function.domain = "mine"
    function.input = ["t0"]
    function.output = ["t\(calls)"]
    function.node = (0..<calls).map { call in
      ModelWriter.node(
        other, ["t\(call)"], ["t\(call + 1)"], domain: other == "Relu" ? "" : "mine")
    }
    return function
  }

  @Test("Fourteen functions of eight calls each are refused before anything is made")
  func laughs() throws {
    let model = try nested(14, calls: 8).model()
    let clock = ContinuousClock()
    let time = clock.measure {
      let error = #expect(throws: ImportError.self) { try model.imported(ImportOptions()) }
      guard case .tooManyNodes? = error else {
        Issue.record("another error: \(String(describing: error))")
        return
      }
    }
    #expect(time < .seconds(5))
    let small = try nested(3, calls: 4).model().imported(ImportOptions())
    #expect(small.graph.nodes.count == 64)
  }

  @Test("Functions that call themselves, or stand too deep, are named")
  func circles() throws {
    var writer = nested(1, calls: 1)
    writer.proto.functions = [
      function("G0", calling: "G1", 8), function("G1", calling: "G0", 8),
    ]
    let error = #expect(throws: ImportError.self) {
      try writer.model().imported(ImportOptions())
    }
    #expect(error?.description.contains("G0 → G1 → G0") == true)
    #expect(try nested(16, calls: 1).model().imported(ImportOptions()).graph.nodes.count == 1)
    let deep = #expect(throws: ImportError.self) {
      try nested(17, calls: 1).model().imported(ImportOptions())
    }
    #expect(deep?.description.contains("deep") == true)
  }
}
