import BenchmarkRunner
import CoreState
import InstructionSet
import ModelGraph
import NumericFormats
import Testing

/// Kernels of images' gradients against their meaning in float64, with faults planted.
@Suite struct ImageGradientTests {
  private func pooling() throws -> Graph {
    let window = SlidingWindow([3, 3], strides: [2, 2], before: [1, 1])
    var builder = GraphBuilder(name: "maxima", format: .bfloat16)
    // Few different values: most places have several that are as large.
    try builder.given("x", [4, 3, 11, 14], fill: .indices(count: 4))
    try builder.apply(.pool(Pooling(window, mode: .max)), to: ["x"], name: "y", role: .output)
    let shape = try #require(builder.graph.tensor("y")).shape
    try builder.given("dy", shape)
    try builder.apply(
      .maxPoolGradient(MaxPoolGradient(window)), to: ["x", "y", "dy"], name: "dx", role: .output)
    return try builder.finish()
  }

  /// The gradient of a convolution in its weights, as reverse mode writes it.
  private func weights(channels: Int) throws -> Graph {
    var builder = GraphBuilder(name: "weights", format: .bfloat16)
    try builder.given("x", [channels, 3, 9, 10])
    try builder.given("w", [channels, 9, 24])
    try builder.apply(
      .convolution(
        Convolution(
          SlidingWindow([3, 3], before: [1, 1]), inputLayout: .channelsFirst,
          outputLayout: .channelsFirst, weightLayout: .inputsFirst)), to: ["x", "w"], name: "y",
      role: .output)
    try builder.given("dy", [24, 3, 9, 10])
    let found = try builder.differentiate("y", derivative: "dy", in: ["w"], inputs: [])
    for name in found.values { try builder.mark(name, as: .output) }
    return try builder.finish()
  }

  private func norm() throws -> Graph {
    var builder = GraphBuilder(name: "norm", format: .bfloat16)
    try builder.given("x", [20, 3, 5, 6])
    try builder.given("dy", [20, 3, 5, 6])
    try builder.apply(
      .batchMoments(BatchMoments()), to: ["x"], name: "moments", format: .float32, role: .output)
    try builder.apply(
      .batchSums(BatchSums(epsilon: 1e-3)), to: ["dy", "x", "moments"], name: "sums",
      format: .float32, role: .output)
    return try builder.finish()
  }

  private func passes(
    _ graph: Graph, kernel: String, _ change: (inout MachineOperation) -> Bool = { _ in true }
  ) throws -> Bool {
    var planted = 0
    let execution = try GraphExecution(graph) { program in
      for segment in program.segments.indices
      where program.segments[segment].name.hasPrefix(kernel) {
        for index in program.segments[segment].instructions.indices
        where change(&program.segments[segment].instructions[index].operation) {
          planted += 1
        }
      }
    }
    #expect(planted > 0)
    return execution.reports.allSatisfy(\.passed)
  }

  @Test func asTheyStandTheyPass() throws {
    #expect(try passes(pooling(), kernel: "max-pool-gradient"))
    #expect(try passes(weights(channels: 70), kernel: "weight-gradient"))
    #expect(try passes(weights(channels: 20), kernel: "weight-gradient"))
    #expect(try passes(norm(), kernel: "batch-sums"))
  }

  @Test func aMaximumThatHandsItsGradientToSeveralIsFound() throws {
    let found = try passes(pooling(), kernel: "max-pool-gradient") { operation in
      guard case .tensorTensor(var step) = operation, step.operation == .subtract else {
        return false
      }
      step.operation = .max
      operation = .tensorTensor(step)
      return true
    }
    #expect(!found)
  }

  @Test(arguments: [70, 20]) func aTapThatSeesBeyondAnEdgeIsFound(_ channels: Int) throws {
    let found = try passes(weights(channels: channels), kernel: "weight-gradient") { operation in
      guard case .tensorScalar(var step) = operation, step.op0 == .multiply else { return false }
      step.operand0 = .immediate(1)
      operation = .tensorScalar(step)
      return true
    }
    #expect(!found)
  }

  @Test func aSkippedBlockOfPlacesIsFound() throws {
    var isFirst = true
    let found = try passes(weights(channels: 70), kernel: "weight-gradient") { operation in
      // Masks are products in fp32.
      guard isFirst, case .matmul(var product) = operation, product.accumulate,
        product.moving.format == .bfloat16
      else { return false }
      isFirst = false
      product.accumulate = false
      operation = .matmul(product)
      return true
    }
    #expect(!found)
  }

  @Test func aMeanThatIsNotTakenOffIsFound() throws {
    let found = try passes(norm(), kernel: "batch-sums") { operation in
      guard case .scalarTensorTensor(var step) = operation, step.op0 == .subtract else {
        return false
      }
      step.operand0 = .immediate(0)
      operation = .scalarTensorTensor(step)
      return true
    }
    #expect(!found)
  }
}
