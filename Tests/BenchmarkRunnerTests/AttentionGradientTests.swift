import BenchmarkRunner
import InstructionSet
import ModelGraph
import NumericFormats
import Testing

/// The kernel of attention's gradient against its meaning in float64.
@Suite struct AttentionGradientTests {
  private func graph(isCausal: Bool = true) throws -> Graph {
    let query = HeadDimensions(batch: 1, heads: 2, tokens: 140, channels: 32)
    var key = query
    key.heads = 1
    let attention = Attention(query: query, key: key, isCausal: isCausal)
    let shapes = [query, key, key].map { HeadLayout.tokensHeads.shape($0) }
    var builder = GraphBuilder(name: "attention", format: .bfloat16)
    for (name, shape) in zip(["q", "k", "v"], shapes) { try builder.given(name, shape) }
    try builder.apply(.attention(attention), to: ["q", "k", "v"], name: "y", role: .output)
    try builder.given("dy", shapes[0])
    try builder.apply(
      .attentionGradient(AttentionGradient(attention)), to: ["q", "k", "v", "y", "dy"],
      name: "gradients", role: .output)
    return try builder.finish()
  }

  private func gradientPasses(_ change: (inout MachineOperation) -> Bool) throws -> Bool {
    var planted = 0
    let execution = try? GraphExecution(try graph()) { program in
      // The gradient comes last.
      let segment = program.segments.count - 1
      for index in program.segments[segment].instructions.indices
      where change(&program.segments[segment].instructions[index].operation) {
        planted += 1
      }
    }
    #expect(planted > 0)
    return execution?.reports.allSatisfy(\.passed) ?? false
  }

  @Test func asItStandsItPasses() throws {
    for isCausal in [true, false] {
      for report in try GraphExecution(try graph(isCausal: isCausal)).reports {
        #expect(report.passed, "\(report.summary)")
      }
    }
  }

  @Test func aMaskOffByOneIsFound() throws {
    let passes = try gradientPasses { operation in
      guard case .affineSelect(var select) = operation, select.onFalse < -1 else { return false }
      select.start += 1
      operation = .affineSelect(select)
      return true
    }
    #expect(!passes)
  }

  @Test func aMissingScaleIsFound() throws {
    let passes = try gradientPasses { operation in
      guard case .activate(var activate) = operation, activate.function == .identity else {
        return false
      }
      activate.scale = .immediate(1)
      operation = .activate(activate)
      return true
    }
    #expect(!passes)
  }

  @Test func aSumThatIsNotTakenOffIsFound() throws {
    let passes = try gradientPasses { operation in
      guard case .scalarTensorTensor(var step) = operation, step.op0 == .subtract else {
        return false
      }
      step.operand0 = .immediate(0)
      operation = .scalarTensorTensor(step)
      return true
    }
    #expect(!passes)
  }

  @Test func aSkippedTileOfKeysIsFound() throws {
    var isFirst = true
    let passes = try gradientPasses { operation in
      guard isFirst, case .matmul(var product) = operation, product.accumulate else {
        return false
      }
      isFirst = false
      product.accumulate = false
      operation = .matmul(product)
      return true
    }
    #expect(!passes)
  }
}
