import Foundation
import ModelGraph
import NumericFormats
import Testing

/// The mixture of experts against sums written out by hand, and faults that its check must notice.
@Suite struct ExpertLayerTests {
  private static let (tokens, width, hidden, experts) = (3, 4, 5, 3)

  private func view(_ shape: TensorShape, seed: UInt64) throws -> TensorView {
    let generator = SeededGenerator(seed: seed, stream: "experts")
    let values = (0..<shape.elementCount).map {
      Double(Float(generator.normal(at: $0)))
    }
    return try TensorView(values, shape: shape, format: .float32)
  }

  private func inputs() throws -> [TensorView] {
    let (t, d, f, e) = (Self.tokens, Self.width, Self.hidden, Self.experts)
    return [
      try view([t, d], seed: 1), try view([t, e], seed: 2), try view([e, d, f], seed: 3),
      try view([e, d, f], seed: 4), try view([e, f, d], seed: 5),
    ]
  }

  private func written(_ inputs: [TensorView], chosen: Int) -> [Double] {
    let (d, f, e) = (Self.width, Self.hidden, Self.experts)
    var out: [Double] = []
    for token in 0..<Self.tokens {
      let logits = (0..<e).map { inputs[1][token * e + $0] }
      let best = (0..<e).sorted { logits[$0] > logits[$1] }.prefix(chosen)
      let total = best.reduce(0) { $0 + exp(logits[$1]) }
      for column in 0..<d {
        var sum = 0.0
        for expert in best {
          for i in 0..<f {
            var (gate, up) = (0.0, 0.0)
            for k in 0..<d {
              gate += inputs[0][token * d + k] * inputs[2][(expert * d + k) * f + i]
              up += inputs[0][token * d + k] * inputs[3][(expert * d + k) * f + i]
            }
            sum +=
              exp(logits[expert]) / total * gate / (1 + exp(-gate)) * up
              * inputs[4][(expert * f + i) * d + column]
          }
        }
        out.append(sum)
      }
    }
    return out
  }

  @Test(arguments: [1, 2, 3]) func meansWhatIsWrittenOut(chosen: Int) throws {
    let inputs = try inputs()
    let operation = Operator.expertLayer(ExpertLayer(chosen: chosen))
    let expected = written(inputs, chosen: chosen)
    let all = try Float64Interpreter.evaluate(operation, inputs: inputs)
    #expect(zip(all, expected).allSatisfy { abs($0 - $1) < 1e-12 })
    let some = try Float64Interpreter.evaluate(operation, inputs: inputs, at: [7, 2, 11])
    #expect(some == [all[7], all[2], all[11]])
  }

  /// Another expert, a missing weight and a skipped part of F all lie outside the tolerance.
  @Test func theCheckNoticesFaults() throws {
    let inputs = try inputs()
    let right = ExpertLayer(chosen: 2)
    let checker = NumericsChecker(seed: 1)
    let shape: TensorShape = [Self.tokens, Self.width]
    let good = try Float64Interpreter.evaluate(.expertLayer(right), inputs: inputs)
    let wrong = try Float64Interpreter.evaluate(
      .expertLayer(ExpertLayer(chosen: 1)), inputs: inputs)
    for (values, passes) in [(good, true), (wrong, false), (good.map { $0 * 1.01 }, false)] {
      let report = try checker.check(
        .expertLayer(right), named: "experts", inputs: inputs,
        output: try TensorView(values, shape: shape, format: .float32), operationCount: 1)
      #expect(report.passed == passes)
    }
  }

  @Test func misfitsAreRefused() throws {
    let inputs = try inputs()
    #expect(throws: GraphError.self) {
      try Float64Interpreter.evaluate(.expertLayer(ExpertLayer(chosen: 4)), inputs: inputs)
    }
    #expect(throws: GraphError.self) {
      try Float64Interpreter.evaluate(
        .expertLayer(ExpertLayer(chosen: 1)),
        inputs: [inputs[0], inputs[0], inputs[2], inputs[3], inputs[4]])
    }
  }
}
