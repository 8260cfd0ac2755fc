import BenchmarkRunner
import CoreState
import Hardware
import InstructionSet
import ModelGraph
import NumericFormats
import Testing

/// Experts with weights in MXFP4: the kernel against its meaning in float64.
@Suite struct ScaledExpertTests {
  private func graph(tokens: Int, width: Int, hidden: Int, experts: Int = 8, chosen: Int = 2)
    throws -> Graph
  {
    var builder = GraphBuilder(name: "experts", format: .bfloat16)
    var inputs = [
      try builder.given("x", [tokens, width]),
      try builder.given("logits", [tokens, experts], format: .float32),
    ]
    for (name, rows, columns) in [
      ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ] {
      inputs.append(
        try builder.given(
          name, [experts, rows / 4, columns], role: .weight, format: .uint16,
          fill: .indices(count: 1 << 16)))
      inputs.append(
        try builder.given(
          "\(name) scales", [experts, rows / 32, columns], role: .weight, format: .uint8,
          fill: .wholeNumbers(low: 121, high: 125)))
    }
    try builder.apply(
      .scaledExpertLayer(ScaledExpertLayer(chosen: chosen)), to: inputs, name: "y", role: .output)
    return try builder.finish()
  }

  /// One token reads its experts; more read all. Widths of part of a tile, of several tiles and
  /// of more than four, whose scales begin anew.
  @Test(arguments: [
    (1, 32, 32), (1, 736, 352), (3, 2304, 64), (1, 2304, 64), (40, 96, 160), (2, 64, 2208),
  ])
  func experts(shape: (Int, Int, Int)) throws {
    let execution = try GraphExecution(
      try graph(tokens: shape.0, width: shape.1, hidden: shape.2), on: .trainium3)
    #expect(!execution.reports.isEmpty)
    for report in execution.reports { #expect(report.passed, "\(report.summary)") }
  }

  private func passes(_ change: (inout MachineOperation) -> Bool) throws -> Bool {
    var planted = 0
    let execution = try? GraphExecution(
      try graph(tokens: 2, width: 192, hidden: 96), on: .trainium3
    ) { program in
      for segment in program.segments.indices {
        for index in program.segments[segment].instructions.indices
        where change(&program.segments[segment].instructions[index].operation) {
          planted += 1
        }
      }
    }
    #expect(planted > 0)
    return execution?.reports.allSatisfy(\.passed) ?? false
  }

  @Test func faultsAreFound() throws {
    let soundPasses = try passes { operation in
      if case .quantizeMX = operation { true } else { false }
    }
    #expect(soundPasses)
    let neighbourPasses = try passes { operation in
      // Weights of the column beside.
      guard case .loadWeights(var weights) = operation, weights.source.format == .float4e2m1fnx4
      else { return false }
      weights.source.byteOffset += 2
      operation = .loadWeights(weights)
      return true
    }
    #expect(!neighbourPasses)
    var isFirst = true
    let skippedPasses = try passes { operation in
      guard isFirst, case .matmul(var product) = operation, product.moving.format.isPacked,
        product.accumulate
      else { return false }
      isFirst = false
      product.accumulate = false
      operation = .matmul(product)
      return true
    }
    #expect(!skippedPasses)
  }

  @Test func olderGenerationsRefuse() throws {
    for device in [Device.trainium1, .trainium2] {
      let graph = try graph(tokens: 1, width: 32, hidden: 32)
      let error = #expect(throws: (any Error).self) { try GraphExecution(graph, on: device) }
      #expect("\(error, default: "")".contains("NeuronCore-v4 and later"))
    }
  }

  /// Two codes and two scales by hand: 1.5 · 2 in the first row, −6 · 1 in the second.
  @Test func meaning() throws {
    let (width, hidden) = (32, 32)
    func view(_ values: [Double], _ shape: [Int], _ format: NumberFormat) throws -> TensorView {
      try TensorView(values, shape: TensorShape(shape), format: format)
    }
    var x = [Double](repeating: 0, count: width)
    (x[0], x[1]) = (1, 0.25)
    // Column 0 of gate and up, and row 0 of down, which goes to column 3.
    var numbers = [Double](repeating: 0, count: width / 4 * hidden)
    numbers[0] = 3 + 15 * 16
    let scales = [Double](repeating: 128, count: hidden)
    var down = [Double](repeating: 0, count: hidden / 4 * width)
    down[3] = 2
    let gate = try view(numbers, [1, 8, 32], .uint16)
    let scale = try view(scales, [1, 1, 32], .uint8)
    let out = try Float64Interpreter.evaluate(
      .scaledExpertLayer(ScaledExpertLayer(chosen: 1)),
      inputs: [
        try view(x, [1, 32], .bfloat16), try view([0], [1, 1], .float32), gate, scale, gate, scale,
        try view(down, [1, 8, 32], .uint16), scale,
      ])
    // Code 3 is 1.5 and code 15 is −6, times 2: 3 − 12 / 4 = 0, so that nothing is left.
    #expect(out.allSatisfy { $0 == 0 })
    numbers[0] = 3
    let other = try view(numbers, [1, 8, 32], .uint16)
    let second = try Float64Interpreter.evaluate(
      .scaledExpertLayer(ScaledExpertLayer(chosen: 1)),
      inputs: [
        try view(x, [1, 32], .bfloat16), try view([0], [1, 1], .float32), other, scale, other,
        scale, try view(down, [1, 8, 32], .uint16), scale,
      ])
    // silu(3) · 3 = 8.573, in MXFP8 8.5 or 9 (a step is 1/2 or 1 there), times 1 · 2.
    #expect([17.0, 18].contains(second[3]))
  }
}
