import Foundation
import Testing

/// What runs of models have to keep apart.
@Suite struct ModelRunTests {
  /// A product of `rows` rows that hold `values`.
  private func product(rows: Int) -> TinyModel {
    var model = TinyModel()
    model.input("x", [rows, 8])
    model.reals("w", [8, 8], (0..<64).map { Float($0 % 7) - 3 })
    model.node("MatMul", ["x", "w"], "y")
    model.output("y")
    return model
  }

  private func write(_ model: TinyModel, _ path: String, _ desk: Desk) throws {
    let url = desk.folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try model.bytes.write(to: url)
  }

  @Test func inputsOfAnotherSizeAreOtherWork() throws {
    let desk = try Desk()
    for rows in [4, 64] {
      try write(product(rows: rows), "m.onnx", desk)
      #expect(desk.run("run", "m.onnx", "--mode", "timing", "--output", "out\(rows)").code == 0)
    }
    let answer = desk.run("compare", "out4", "out64", "--fail-above", "2")
    #expect(answer.code == 6)
    let text = answer.output + answer.errors
    #expect(text.contains("shape: base x=[4, 8], new x=[64, 8]"), "\(text)")
  }

  @Test func twoModelsOfOneNameAreNotRunTogether() throws {
    let desk = try Desk()
    for folder in ["a", "b"] { try write(product(rows: 4), "\(folder)/m.onnx", desk) }
    let answer = desk.run("run", "a/m.onnx", "b/m.onnx", "--output", "out")
    #expect(answer.code == 64)
    #expect(answer.errors.contains("two of the files are called model/m"))
    #expect(desk.run("run", "a/m.onnx", "b/m.onnx", "--plan").code == 0)
  }

  @Test func outputsWhoseFileNamesMeetAreBothWritten() throws {
    var model = TinyModel()
    model.input("x", [4, 8])
    model.node("Abs", ["x"], "a/b")
    model.node("Neg", ["x"], "a_b")
    for name in ["a/b", "a_b"] { model.output(name) }
    let desk = try Desk()
    try write(model, "m.onnx", desk)
    #expect(desk.run("run", "m.onnx", "--output-tensors", "o", "--output", "out").code == 0)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: desk.folder.appendingPathComponent("o").path)
    #expect(files.sorted() == ["a_b-2.npy", "a_b.npy"])
    let refused = desk.run("run", "m.onnx", "--mode", "timing", "--output-tensors", "p")
    #expect(refused.code == 64 && refused.errors.contains("computes no values"))
  }

  /// ONNX says nothing of what it is, and the device makes another number of it than the reference.
  @Test func wholeNumbersDividedByZeroAreNoFault() throws {
    var model = TinyModel()
    model.input("x", [2, 64], type: 6)
    model.input("y", [2, 64], type: 6)
    model.node("Div", ["x", "y"], "z")
    model.output("z")
    let desk = try Desk()
    try write(model, "m.onnx", desk)
    let answer = desk.run("run", "m.onnx", "--output", "out")
    #expect(answer.code == 0, "\(answer.output)\(answer.errors)")
  }

  @Test func plansOfSeveralWorkloadsAreOneDocument() throws {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    try desk.write("Workloads/kernel/softmax.yaml", SmallWorkloads.softmax)
    let text = desk.run(
      "run", "kernel/product", "kernel/softmax", "--plan", "--format", "json"
    ).output
    let plan = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let rows = try #require(plan["rows"] as? [[String: Any]])
    let names = Set(rows.compactMap { $0["workload"] as? String })
    #expect(names == ["kernel/product", "kernel/softmax"])
  }
}
