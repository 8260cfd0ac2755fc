import Foundation
import ModelGraph
import ModelImport
import NumericFormats
import ONNXSchema
import Testing

@Suite("ONNX models become graphs")
struct ImportTests {
  private func options(
    _ dimensions: [String: Int] = [:], _ inputs: [String: TensorView] = [:]
  ) -> ImportOptions {
    var options = ImportOptions()
    options.dimensions = dimensions
    options.inputs = inputs
    return options
  }

  private func reals(_ values: [Double], _ shape: TensorShape) throws -> TensorView {
    try TensorView(values, shape: shape, type: .float32)
  }

  private func whole(_ values: [Int64], _ shape: TensorShape) throws -> TensorView {
    try TensorView(integers: values, shape: shape, type: .int64)
  }

  @Test("Shapes are inferred, shape arithmetic folds, values come out right")
  func classifierModel() throws {
    let imported = try classifier().model().imported(options(["batch": 2]))
    #expect(imported.graph.nodes.map(\.operation.name) == ["Reshape", "MatMul", "Add", "Relu"])
    #expect(imported.foldedCount == 3)
    #expect(imported.graph.outputTensors.map(\.shape) == [[2, 2]])
    let x = try reals([1, 2, 3, 4, 5, 6, -100, 0, 0, 0, 0, 0], [2, 2, 3])
    var given: [String: TensorView] = ["x": x]
    for tensor in imported.graph.givenTensors {
      if case .values(let constant) = tensor.fill { given[tensor.name] = constant.view }
    }
    let values = try Float64Interpreter.evaluate(imported.graph, given: given)
    let output = try #require(imported.outputs[0].tensor)
    // Row 1: 1 + 3 + 2·4 + 2·6 + 10, 2 + 3 + 2·5 + 2·6 + 20.
    #expect(values[output]?.allValues == [34, 47, 0, 20])
  }

  @Test("A given value binds open axes; folding everything leaves the outputs")
  func reference() throws {
    var all = options([:], ["x": try reals([1, 2, 3, 4, 5, 6], [1, 2, 3])])
    all.foldsInputs = true
    let imported = try classifier().model().imported(all)
    #expect(imported.graph.nodes.isEmpty)
    #expect(imported.outputs[0].constant?.allValues == [34, 47])
  }

  @Test("The lowest number of fp32 in a mask stays a number in narrower formats")
  func narrowedMasks() throws {
    var writer = ModelWriter()
    writer.input("x", ["4"])
    writer.reals("lowest", [-.greatestFiniteMagnitude, 1, -.infinity], [3, 1])
    writer.node("Mul", ["x", "lowest"], ["y"])
    writer.output("y")
    for format in [NumberFormat.bfloat16, .float16] {
      var narrow = options()
      narrow.precision = format
      let imported = try writer.model().imported(narrow)
      let weight = try #require(imported.graph.givenTensors.first { $0.role == .weight })
      guard case .values(let constant) = weight.fill else {
        Issue.record("the constant is not known")
        continue
      }
      let limit = Double(format.largestFinite)
      #expect(constant.view.allValues == [-limit, 1, -.infinity])
    }
  }

  @Test("Open axes that nothing binds are all named")
  func unbound() throws {
    var writer = classifier()
    writer.input("z", ["length", "?"])
    let model = try writer.model()
    let error = #expect(throws: ImportError.self) { try model.imported(options()) }
    #expect(error?.description.contains("batch, length, z.1") == true)
    let other = #expect(throws: ImportError.self) {
      try model.imported(options(["bach": 1]))
    }
    #expect(other?.description.contains("'bach'") == true)
    var batched = options(["z.1": 3])
    batched.batch = 5
    let imported = try model.imported(batched)
    #expect(imported.graph.tensor("x")?.shape == [5, 2, 3])
  }

  @Test("Every node that cannot be carried over is listed at once, its successors are not")
  func unsupported() throws {
    var writer = classifier()
    writer.node("StringSplit", ["y"], ["a"])
    writer.node("FusedGemm", ["a"], ["b2"], domain: "com.microsoft")
    writer.node("Relu", ["a"], ["c"])
    writer.node("Pow", ["y"], ["d"])
    let error = #expect(throws: ImportError.self) {
      try writer.model().imported(options(["batch": 1]))
    }
    guard case .unsupported(_, let nodes)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(nodes.map(\.operation) == ["StringSplit", "FusedGemm", "Pow"])
  }

  @Test("A shape that depends on an input is taken from its value, or the input is named")
  func frozenInput() throws {
    var writer = ModelWriter()
    writer.input("x", ["6"])
    writer.input("shape", ["2"], type: 7)
    writer.node("Reshape", ["x", "shape"], ["r"])
    writer.node("Neg", ["r"], ["y"])
    writer.output("y")
    let error = #expect(throws: ImportError.self) { try writer.model().imported(options()) }
    #expect(error?.description.contains("--input shape=FILE") == true)
    let imported = try writer.model().imported(
      options([:], ["shape": try whole([3, 2], [2])]))
    #expect(imported.frozenInputs == ["shape"])
    #expect(imported.graph.outputTensors.map(\.shape) == [[3, 2]])
  }

  @Test("A known condition chooses its branch; functions stand in place of their calls")
  func branchesAndFunctions() throws {
    var writer = ModelWriter()
    writer.input("x", ["2"])
    writer.integers("one", [1])
    var branches: [Onnx_AttributeProto] = []
    for (name, operation) in [("then_branch", "Double"), ("else_branch", "Abs")] {
      var attribute = Onnx_AttributeProto()
      attribute.name = name
      attribute.type = .graph
      attribute.g.node = [
        ModelWriter.node(
          operation, ["x"], ["inner"], domain: operation == "Double" ? "mine" : "")
      ]
      attribute.g.output = [ModelWriter.value("inner", nil, 1)]
      branches.append(attribute)
    }
    writer.node("If", ["one"], ["y"], branches)
    writer.output("y")
    var function = Onnx_FunctionProto()
    function.name = "Double"
    function.domain = "mine"
    function.input = ["a"]
    function.output = ["b"]
    function.node = [ModelWriter.node("Add", ["a", "a"], ["b"])]
    writer.proto.functions = [function]
    let imported = try writer.model().imported(options())
    #expect(imported.graph.nodes.map(\.operation.name) == ["Add"])
    #expect(imported.graph.nodes.map(\.inputs) == [["x", "x"]])
  }

  @Test("External data is read beside the model and nowhere else")
  func externalData() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("trnbench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func write(_ location: String, length: String) throws -> URL {
      var writer = ModelWriter()
      writer.input("x", ["2"])
      var tensor = Onnx_TensorProto()
      tensor.name = "w"
      tensor.dims = [2]
      tensor.dataType = 1
      tensor.dataLocation = .external
      tensor.externalData = [("location", location), ("offset", "4"), ("length", length)].map {
        var entry = Onnx_StringStringEntryProto()
        (entry.key, entry.value) = $0
        return entry
      }
      writer.proto.graph.initializer = [tensor]
      writer.node("Mul", ["x", "w"], ["y"])
      writer.output("y")
      let url = folder.appendingPathComponent("model.onnx")
      try writer.bytes().write(to: url)
      return url
    }
    let bits = [Float(9), 1.5, -2].flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    }
    try Data(bits).write(to: folder.appendingPathComponent("weights.bin"))
    let model = try ONNXModel(contentsOf: write("weights.bin", length: "8"), shownAs: "m")
    var all = options([:], ["x": try reals([2, 2], [2])])
    all.foldsInputs = true
    #expect(try model.imported(all).outputs[0].constant?.allValues == [3, -4])
    for (location, length) in [("../weights.bin", "8"), ("weights.bin", "12"), ("none", "8")] {
      let other = try ONNXModel(contentsOf: write(location, length: length), shownAs: "m")
      #expect(throws: ImportError.self) { try other.imported(all) }
    }
  }

  @Test("What contradicts itself is an error that says where")
  func contradictions() throws {
    var undefined = ModelWriter()
    undefined.input("x", ["2"])
    undefined.node("Add", ["x", "nothing"], ["y"])
    undefined.output("y")
    #expect(throws: ImportError.self) { try undefined.model().imported(options()) }
    // A cycle: the first node reads what the second makes.
    var cyclic = ModelWriter()
    cyclic.input("x", ["2"])
    cyclic.node("Add", ["x", "b"], ["a"])
    cyclic.node("Relu", ["a"], ["b"])
    cyclic.output("b")
    let error = #expect(throws: ImportError.self) { try cyclic.model().imported(options()) }
    #expect(error?.description.contains("cycle") == true)
    var shapes = classifier()
    shapes.reals("w2", [1, 2, 3], [3, 1])
    shapes.node("MatMul", ["y", "w2"], ["z"])
    #expect(throws: ImportError.self) { try shapes.model().imported(options(["batch": 1])) }
    var old = classifier()
    old.proto.opsetImport[0].version = 9
    #expect(throws: ImportError.self) { try old.model() }
    let given = try whole([1], [1])
    #expect(throws: ImportError.self) {
      try classifier().model().imported(options([:], ["x": given]))
    }
  }
}
