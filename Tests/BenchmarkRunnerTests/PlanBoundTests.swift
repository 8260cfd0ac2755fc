import BenchmarkRunner
import Hardware
import Lowering
import ModelGraph
import NumericFormats
import Testing
import Units

/// What a plan says no run can beat.
@Suite struct PlanBoundTests {
  private typealias Input = OperatorCase.Input

  /// Kernels that transfers, gathers by index and engines bound: each takes as long as its plan at
  /// least, and those of many gathers not several times as long.
  @Test func noRunIsFasterThanItsPlan() throws {
    let bags = try OperatorCase(
      .embeddingBag(EmbeddingBag(lengths: [20])),
      [.whole([256, 20], below: 200, .int32), .floats([200, 64], .bfloat16)], format: .bfloat16)
    let product = try OperatorCase(
      .matMul(transposeA: false, transposeB: false),
      [.floats([256, 256], .bfloat16), .floats([256, 512], .bfloat16)], format: .bfloat16)
    let softmax = try OperatorCase(.softmax, [.floats([512, 256], .bfloat16)], format: .bfloat16)
    for (graph, most) in [(bags.graph, 3.0), (product.graph, 20), (softmax.graph, 20)] {
      let execution = try GraphExecution(graph)
      let bound = LoweringReport(execution.lowered, on: .trainium2).bound.value
      #expect(bound > 0 && bound <= execution.picoseconds, "\(graph.nodes[0].operation.name)")
      #expect(Double(execution.picoseconds) <= most * Double(bound))
    }
  }
}
