import BenchmarkRunner
import Hardware
import ModelGraph
import NumericFormats
import Testing

/// Products with weights in MXFP4: the kernel against its meaning in float64.
@Suite struct ScaledProductTests {
  private func graph(rows: Int, depth: Int, columns: Int) throws -> Graph {
    var builder = GraphBuilder(name: "product", format: .bfloat16)
    let inputs = [
      try builder.given("a", [depth, rows]),
      try builder.given(
        "b", [depth / 4, columns], role: .weight, format: .uint16,
        fill: .indices(count: 1 << 16)),
      try builder.given(
        "scales", [depth / 32, columns], role: .weight, format: .uint8,
        fill: .wholeNumbers(low: 119, high: 124)),
    ]
    try builder.apply(.scaledProduct(ScaledProduct()), to: inputs, name: "y", role: .output)
    return try builder.finish()
  }

  /// Rows of part of a tile and of more than one block; columns of part of a bank; more than four
  /// tiles of K, whose scales begin anew.
  @Test(arguments: [(128, 512, 512), (200, 1024, 640), (1100, 512, 40), (6, 2560, 130)])
  func products(shape: (Int, Int, Int)) throws {
    let execution = try GraphExecution(
      try graph(rows: shape.0, depth: shape.1, columns: shape.2), on: .trainium3)
    #expect(!execution.reports.isEmpty)
    for report in execution.reports { #expect(report.passed, "\(report.summary)") }
  }

  @Test func otherCoresSayWhatWouldDo() throws {
    #expect {
      try GraphExecution(try graph(rows: 8, depth: 512, columns: 8), on: .trainium2)
    } throws: { "\($0)".contains("trn3") }
  }

  /// By hand: ones times codes 0.5, 1, 1.5 and 2 under a scale of two.
  @Test func knownCodes() throws {
    let a = try TensorView([Double](repeating: 1, count: 32), shape: [32, 1], format: .bfloat16)
    let codes = [Double](repeating: Double(0x4321), count: 8)
    let b = try TensorView(codes, shape: [8, 1], format: .uint16)
    let scales = try TensorView([128.0], shape: [1, 1], format: .uint8)
    let y = try Float64Interpreter.results(
      .scaledProduct(ScaledProduct()), inputs: [a, b, scales])
    // Eight rows of 0.5 + 1 + 1.5 + 2 under the scale.
    #expect(y[0].allValues == [80])
  }
}
