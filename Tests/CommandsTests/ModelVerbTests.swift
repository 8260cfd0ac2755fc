import Commands
import Foundation
import ModelGraph
import ModelImport
import Testing

/// What `run` says about models.
@Suite struct ModelVerbTests {
  private func desk(_ model: TinyModel, _ inputs: [String: TensorView] = [:]) throws -> Desk {
    let desk = try Desk()
    try model.bytes.write(to: desk.folder.appendingPathComponent("m.onnx"))
    for (name, view) in inputs {
      try NumpyFile.write(view, to: desk.folder.appendingPathComponent("\(name).npy"))
    }
    return desk
  }

  /// x · w, then the places of what is positive; one product is left for the device, and one node
  /// feeds nothing.
  private func chooser() -> TinyModel {
    var model = TinyModel()
    model.input("x", [2, 2])
    model.input("scale", [1])
    model.reals("w", [2, 2], [1, 0, 0, 1])
    model.node("MatMul", ["x", "w"], "a")
    model.node("NonZero", ["a"], "places")
    model.node("Transpose", ["places"], "tuples")
    model.node("GatherND", ["a", "tuples"], "chosen")
    model.node("Mul", ["chosen", "scale"], "y")
    model.node("Sqrt", ["scale"], "unused")
    model.output("y")
    return model
  }

  private func x() throws -> [String: TensorView] {
    ["x": try TensorView([1, 2, 0, 3], shape: [2, 2], type: .float32)]
  }

  @Test func whatTheHostRanIsNoCoverage() throws {
    let desk = try desk(chooser(), x())
    let answer = desk.run("run", "m.onnx", "--input", "x=x.npy")
    let text = answer.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(answer.code == 0)
    #expect(text.contains("1 of 5 operators ran as device instructions"))
    #expect(
      text.contains(
        "4 nodes ran on the host, because NonZero 'places' needs the values of input x"))
    #expect(text.contains("MatMul a, NonZero places"))
    #expect(text.contains("1 node feeds no output and was left out: Sqrt unused"))
    #expect(!text.contains("depend on no input"))
    let json = desk.run("run", "m.onnx", "--input", "x=x.npy", "--format", "json").output
    let runs = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let run = try #require((runs["runs"] as? [[String: Any]])?.first)
    let coverage = try #require(run["coverage"] as? [String: Any])
    let elsewhere = try #require(coverage["elsewhere"] as? [[String: Any]])
    let host = elsewhere.compactMap { $0["host"] as? [String: Int] }
    #expect(host.count == 4 && host[0]["flops"] == 16 && host[0]["bytes"] == 48)
    #expect((coverage["flops_percent"] as? Double ?? 100) < 20)
    #expect((coverage["left_out"] as? [[String: Any]])?.count == 1)
    #expect(coverage["evaluated_when_read"] as? Int == 0)
    let plan = desk.run("run", "m.onnx", "--input", "x=x.npy", "--plan").output
    #expect(plan.contains("ran on the host"))
  }

  @Test func valuesThatAreNotFiniteAreNamedAndNoFault() throws {
    var model = TinyModel()
    model.input("x", [4, 8])
    var weights = (0..<64).map { Float($0 % 7) - 3 }
    weights[26] = .nan
    model.reals("w", [8, 8], weights)
    model.node("MatMul", ["x", "w"], "y")
    model.output("y")
    let desk = try desk(model)
    let answer = desk.run("run", "m.onnx")
    #expect(answer.code == 0)
    #expect(
      answer.errors
        == "warning: model/m: tensor 'w' holds values that are not finite: 1 not a number, of 64, "
        + "the first at 26\n")
    let text = answer.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(text.contains("4 are not finite, as they should be"))
    #expect(text.contains("cosine similarity 1.0000000"))
    #expect(!text.contains("nan"))
    let json = desk.run("run", "m.onnx", "--format", "json").output
    let runs = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let found = (runs["runs"] as? [[String: Any]])?.first?["non_finite"] as? [[String: Any]]
    #expect(found?.first?["first_index"] as? Int == 26)
    let reference = desk.run("run", "m.onnx", "--reference")
    #expect(reference.code == 0 && reference.errors.contains("first at 26"))
  }

  @Test func everyNodeThatCannotBeRunIsListedAtOnce() throws {
    var model = TinyModel()
    model.input("m", [2, 2])
    model.input("a", [4, 600], type: 2)
    model.input("b", [600, 4], type: 2)
    model.node("Det", ["m"], "d")
    model.node("MatMulInteger", ["a", "b"], "p")
    for name in ["d", "p"] { model.output(name) }
    let answer = try desk(model).run("run", "m.onnx")
    #expect(answer.code == 64)
    #expect(answer.errors.contains("2 nodes cannot be run"))
    #expect(answer.errors.contains("Det 'd': the operator is not known"))
    #expect(answer.errors.contains("MatMulInteger 'p': each sum is of 600 products"))
    #expect(answer.errors.contains("at most 256"))
  }

  @Test func wideIntegersAndFormatsThatNoModelHasEndBeforeTheRun() throws {
    var model = TinyModel()
    model.input("x", [2], type: 7)
    model.integers("c", [1, 1 << 40])
    model.node("Add", ["x", "c"], "y")
    model.output("y")
    let desk = try desk(model)
    let wide = desk.run("run", "m.onnx")
    #expect(wide.code == 64 && wide.errors.contains("element 1 is 1099511627776"))
    #expect(desk.run("run", "m.onnx", "--reference").output.contains("109951162777"))
    for options in [["--precision", "tf32"], ["--precision", "fp8e5m2", "--reference"]] {
      let answer = desk.run(["run", "m.onnx"] + options)
      #expect(answer.code == 64 && answer.errors.contains("none of fp32, bf16, fp16"))
    }
  }

  @Test func damagedFilesAreCalledWhatTheyAre() throws {
    var model = TinyModel()
    model.input("x", [2])
    model.node("Relu", ["x"], "y")
    model.output("y")
    let desk = try desk(model)
    try desk.write("bad.npy", "no array")
    let array = desk.run("run", "m.onnx", "--input", "x=bad.npy")
    #expect(array.code == 64 && array.errors.contains("bad.npy: no intact NumPy file"))
    try desk.write("bad.onnx", "no model")
    #expect(desk.run("run", "bad.onnx").errors.contains("no intact ONNX model"))
    try desk.write("bad.safetensors", "no weights at all")
    let weights = desk.run("run", "bad.safetensors")
    #expect(weights.code == 65 && weights.errors.contains("no intact safetensors file"))
    #expect(desk.run("run", "gone.safetensors").code == 74)
    let header = "{}      "
    let length = [UInt8(header.utf8.count)] + [UInt8](repeating: 0, count: 7)
    try Data(length + Array(header.utf8)).write(
      to: desk.folder.appendingPathComponent("w.safetensors"))
    try desk.write("config.json", #"{"hidden_size": 8}"#)
    let config = desk.run("run", "w.safetensors")
    #expect(config.code == 64 && config.errors.contains("it has no 'model_type'"))
  }
}
