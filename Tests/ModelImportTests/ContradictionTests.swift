import ModelGraph
import ModelImport
import ONNXSchema
import Testing

@Suite("Each way in which a file contradicts itself has a message of its own")
struct ContradictionTests {
  private func message(
    of writer: ModelWriter, _ options: ImportOptions = ImportOptions()
  ) throws -> String {
    let model = try writer.model()
    let error = #expect(throws: ImportError.self) { try model.imported(options) }
    return error?.description ?? ""
  }

  private func nodes(_ list: [(String, [String], [String])], output: String) -> ModelWriter {
    var writer = ModelWriter()
    writer.input("x", ["2"])
    for (operation, inputs, outputs) in list { writer.node(operation, inputs, outputs) }
    writer.output(output)
    return writer
  }

  @Test("A cycle is called one, with its nodes in order, wherever it is entered")
  func cycle() throws {
    let two = nodes([("Add", ["x", "b"], ["a"]), ("Relu", ["a"], ["b"])], output: "b")
    #expect(try message(of: two).contains("cycle: 'Add-a' → 'Relu-b' → 'Add-a'"))
    let own = nodes([("Add", ["x", "a"], ["a"])], output: "a")
    #expect(try message(of: own).contains("cycle: 'Add-a' → 'Add-a'"))
    let behind = nodes(
      [
        ("Neg", ["c"], ["d"]), ("Add", ["x", "b"], ["a"]), ("Abs", ["a"], ["b"]),
        ("Relu", ["b"], ["c"]),
      ], output: "d")
    let text = try message(of: behind)
    #expect(text.contains("'Add-a' → 'Abs-b'") || text.contains("'Abs-b' → 'Add-a'"))
    #expect(!text.contains("Neg-d"))
  }

  @Test("Nodes out of order are no cycle, and a tensor that nobody makes is neither")
  func orderAndAbsence() throws {
    let unsorted = nodes([("Neg", ["a"], ["b"]), ("Relu", ["x"], ["a"])], output: "b")
    #expect(try message(of: unsorted).contains("order the nodes"))
    let absent = nodes([("Relu", ["x"], ["hidden"]), ("Neg", ["hiden"], ["b"])], output: "b")
    let text = try message(of: absent)
    #expect(text.contains("'hiden', which no node makes") && text.contains("mean 'hidden'"))
    let far = nodes([("Neg", ["something"], ["b"])], output: "b")
    #expect(try !message(of: far).contains("did you mean"))
  }

  @Test("Declared shapes are compared with what follows, as far as they are fixed")
  func declaredShapes() throws {
    for (axes, agrees): ([String], Bool) in [
      (["2"], true), (["n"], true), (["?"], true), (["3"], false), (["2", "1"], false),
    ] {
      for isOutput in [true, false] {
        var writer = nodes([("Relu", ["x"], ["a"]), ("Neg", ["a"], ["b"])], output: "b")
        let value = ModelWriter.value(isOutput ? "b" : "a", axes, 1)
        if isOutput {
          writer.proto.graph.output = [value]
        } else {
          writer.proto.graph.valueInfo = [value]
        }
        if agrees {
          _ = try writer.model().imported(ImportOptions())
        } else {
          let text = try message(of: writer)
          let declared = "[\(axes.joined(separator: ", "))]"
          #expect(text.contains(declared) && text.contains("[2]"))
        }
      }
    }
  }

  @Test("Names that stand for two things are refused")
  func twins() throws {
    let made = nodes([("Relu", ["x"], ["y"]), ("Sigmoid", ["x"], ["y"])], output: "y")
    #expect(try message(of: made).contains("'Sigmoid-y' makes tensor 'y'"))
    let overwritten = nodes([("Relu", ["x"], ["x"])], output: "x")
    #expect(try message(of: overwritten).contains("has a value already"))
    var inputs = nodes([("Relu", ["x"], ["y"])], output: "y")
    inputs.input("x", ["5"])
    #expect(try message(of: inputs).contains("two inputs named 'x'"))
  }

  @Test("A batch that binds nothing, or contradicts what is given, is refused")
  func batch() throws {
    var options = ImportOptions()
    options.batch = 5
    let fixed = nodes([("Relu", ["x"], ["y"])], output: "y")
    #expect(try message(of: fixed, options).contains("--batch 5"))
    options.inputs["x"] = try TensorView(
      [Double](repeating: 0, count: 12), shape: [2, 2, 3], type: .float32)
    #expect(try message(of: classifier(), options).contains("2 by a value given"))
    options.inputs = [:]
    options.dimensions["batch"] = 4
    #expect(try message(of: classifier(), options).contains("--dim batch=4"))
    options.batch = 4
    _ = try classifier().model().imported(options)
  }

  @Test("Lengths that no axis can have are called so", arguments: ["-3", "4611686018427387904"])
  func lengths(length: String) throws {
    var writer = nodes([("Relu", ["z"], ["y"])], output: "y")
    writer.input("z", ["2", length])
    #expect(try message(of: writer).contains("axis 1 is \(length) long"))
    writer.proto.graph.input[1] = ModelWriter.value("z", ["2", "-1"], 1)
    #expect(try message(of: writer).contains("z.1"))
  }

  @Test("Values that are not finite are counted, of the file and of what is given")
  func nonFinite() throws {
    var writer = nodes([("Add", ["x", "w"], ["a"]), ("Add", ["a", "v"], ["y"])], output: "y")
    writer.reals("w", [1, .nan], [2])
    writer.reals("v", [-.infinity, .infinity], [2])
    var options = ImportOptions()
    options.inputs["x"] = try TensorView([.nan, 0], shape: [2], type: .float32)
    let found = try writer.model().imported(options).nonFinite
    #expect(found.map(\.tensor) == ["x", "w", "v"])
    #expect(found.map(\.notNumbers) == [1, 1, 0] && found.map(\.infinite) == [0, 0, 2])
    #expect(found.map(\.firstIndex) == [0, 1, 0] && found.map(\.elements) == [2, 2, 2])
    #expect(try classifier().model().imported(batchOfOne()).nonFinite.isEmpty)
  }

  @Test("What can be read of a model is there beside what cannot")
  func readablePart() throws {
    var writer = classifier()
    writer.node("StringSplit", ["y"], ["a"])
    writer.node("Relu", ["a"], ["c"])
    let read = try writer.model().read(batchOfOne())
    #expect(read.unsupported.map(\.operation) == ["StringSplit"])
    #expect(read.graph.nodes.map(\.operation.name) == ["Reshape", "MatMul", "Add", "Relu"])
    #expect(read.graph.outputTensors.map(\.name) == ["y"])
  }

  private func batchOfOne() -> ImportOptions {
    var options = ImportOptions()
    options.batch = 1
    return options
  }
}
