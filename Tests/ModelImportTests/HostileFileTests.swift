import Foundation
import ModelGraph
import ModelImport
import ONNXSchema
import Testing

@Suite("Damaged and hostile files are errors, never crashes")
struct HostileFileTests {
  /// Changes bytes, cuts, repeats and inserts, from a seed.
  private struct Mutator {
    var state: UInt64

    mutating func next(_ limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(max(1, limit)))
    }

    mutating func change(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = bytes
      for _ in 0...next(4) where !bytes.isEmpty {
        let place = next(bytes.count)
        switch next(6) {
        case 0: bytes[place] ^= 1 << UInt8(next(8))
        case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][next(5)]
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + next(8)))
        case 3:
          bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + next(16))], at: place)
        case 4: bytes = Array(bytes.prefix(place))
        default: bytes[place] = UInt8(next(256))
        }
      }
      return bytes
    }
  }

  /// Models that reach many rules, so that changed bytes reach them too.
  private func seeds() throws -> [[UInt8]] {
    var movement = ModelWriter(opset: 18)
    movement.input("x", ["1", "4", "6"])
    movement.integers("starts", [1, 0])
    movement.integers("ends", [4, 9_223_372_036_854_775_807])
    movement.integers("axes", [1, 2])
    movement.integers("steps", [1, 2])
    movement.node("Slice", ["x", "starts", "ends", "axes", "steps"], ["s"])
    movement.integers("pads", [0, 1, 1, 0, 0, 2])
    movement.node("Pad", ["s", "pads"], ["p"])
    movement.node("Transpose", ["p"], ["t"], [ModelWriter.list("perm", [2, 1, 0])])
    movement.integers("shape", [0, -1])
    movement.node("Reshape", ["t", "shape"], ["r"])
    movement.integers("split", [2, 2])
    movement.node("Split", ["r", "split"], ["u", "v"], [ModelWriter.integer("axis", -1)])
    movement.node("Concat", ["u", "v"], ["c"], [ModelWriter.integer("axis", 1)])
    movement.integers("repeats", [2, 1])
    movement.node("Tile", ["c", "repeats"], ["y"])
    movement.output("y")
    var images = ModelWriter(opset: 18)
    images.input("x", ["1", "2", "6", "6"])
    images.reals("w", (0..<36).map { Float($0) }, [2, 2, 3, 3])
    images.node("Conv", ["x", "w"], ["c"], [ModelWriter.list("pads", [1, 1, 1, 1])])
    images.node(
      "MaxPool", ["c"], ["m"],
      [ModelWriter.list("kernel_shape", [2, 2]), ModelWriter.list("strides", [2, 2])])
    images.reals("scales", [1, 1, 2, 2], [4])
    images.node("Resize", ["m", "", "scales"], ["r"])
    images.node("ConvTranspose", ["r", "w"], ["t"])
    images.node("GlobalAveragePool", ["t"], ["g"])
    images.node("Flatten", ["g"], ["f"])
    images.node("Softmax", ["f"], ["y"])
    images.output("y")
    return try [classifier(), movement, images, functions()].map { Array(try $0.bytes()) }
  }

  /// Functions that call each other, and a branch with a call in it.
  private func functions() -> ModelWriter {
    var writer = ModelWriter(opset: 18)
    writer.input("x", ["2", "3"])
    writer.proto.functions = ["F", "G", "H"].enumerated().map { level, name in
      var function = Onnx_FunctionProto()
      function.name = name
      function.domain = "mine"
      function.input = ["a"]
      function.output = ["b"]
      let (inner, domain) = level == 2 ? ("Relu", "") : (["G", "H"][level], "mine")
      function.node = [
        ModelWriter.node(inner, ["a"], ["c"], domain: domain),
        ModelWriter.node(inner, ["c"], ["b"], domain: domain),
      ]
      return function
    }
    writer.node("F", ["x"], ["f"], domain: "mine")
    writer.integers("one", [1])
    let branches = ["then_branch", "else_branch"].map { name in
      var attribute = Onnx_AttributeProto()
      attribute.name = name
      attribute.type = .graph
      attribute.g.node = [ModelWriter.node("G", ["f"], ["g"], domain: "mine")]
      attribute.g.output = [ModelWriter.value("g", nil, 1)]
      return attribute
    }
    writer.node("If", ["one"], ["y"], branches)
    writer.output("y")
    return writer
  }

  @Test("Thousands of changed models import or are refused")
  func changedModels() throws {
    var options = ImportOptions()
    options.largestElements = 1 << 14
    var mutator = Mutator(state: 0x9E37_79B9_7F4A_7C15)
    var outcomes = (read: 0, refused: 0)
    for (number, seed) in try seeds().enumerated() {
      // The first one alone leaves an axis open.
      options.batch = number == 0 ? 1 : nil
      _ = try ONNXModel(Data(seed), shownAs: "seed").imported(options)
      for _ in 0..<1_500 {
        let bytes = mutator.change(seed)
        do throws(ImportError) {
          _ = try ONNXModel(Data(bytes), shownAs: "changed").imported(options)
          outcomes.read += 1
        } catch {
          #expect(!error.description.isEmpty)
          outcomes.refused += 1
        }
      }
    }
    // The mutator does its work: both happen often.
    #expect(outcomes.read > 100 && outcomes.refused > 1_000)
  }

  @Test("A model cut anywhere is refused or whole")
  func cutModels() throws {
    let bytes = Array(try classifier().bytes())
    var options = ImportOptions()
    options.batch = 1
    for count in 0..<bytes.count {
      _ = try? ONNXModel(Data(bytes.prefix(count)), shownAs: "cut").imported(options)
    }
    #expect(throws: ImportError.self) { try ONNXModel(Data(), shownAs: "empty") }
  }

  @Test("Lengths that cannot be, and tensors without their elements")
  func impossibleTensors() throws {
    for (dims, count) in [([-1], 1), ([1 << 40], 1), ([1 << 33, 1 << 33], 1), ([3], 2)] {
      var writer = classifier()
      var tensor = Onnx_TensorProto()
      tensor.name = "broken"
      tensor.dims = dims.map { Int64($0) }
      tensor.dataType = 1
      tensor.floatData = [Float](repeating: 0, count: count)
      writer.proto.graph.initializer.append(tensor)
      var options = ImportOptions()
      options.batch = 1
      #expect(throws: ImportError.self) { try writer.model().imported(options) }
    }
  }

  @Test("A few bytes cannot ask for all memory")
  func hugeConstant() throws {
    var writer = ModelWriter()
    writer.input("x", ["1"])
    writer.integers("shape", [1 << 20, 1 << 20])
    writer.node("ConstantOfShape", ["shape"], ["huge"])
    writer.node("Add", ["x", "huge"], ["y"])
    writer.output("y")
    #expect(throws: ImportError.self) { try writer.model().imported(ImportOptions()) }
  }
}
