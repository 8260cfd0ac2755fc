import BenchmarkRunner
import Hardware
import InstructionSet
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Adagrad on tables of embedding bags, on the device: every look-up of a row counts once.
@Suite struct BagAdagradExecutionTests {
  /// Bags of a large and a small table, many of which name the same rows.
  private func graph(_ format: NumberFormat = .bfloat16, bags: Int = 150) throws -> Graph {
    let (width, lengths) = (16, [5, 2])
    let rows = [5_000, 40]
    var builder = GraphBuilder(name: "bags", format: format)
    try builder.given(
      "i", [bags, 7], format: .uint32,
      fill: .powerLaw(
        counts: zip(rows, lengths).flatMap { Array(repeating: $0, count: $1) }, exponent: 1.3))
    try builder.given("dy", [bags, 3 * width])
    var place = 0
    for (index, length) in lengths.enumerated() {
      let name = "t\(index)"
      try builder.given(
        name, [rows[index] + BagAdagrad.spareRows, BagAdagrad.rowLength(width)], role: .state,
        format: .float32, fill: .leading(columns: width, standardDeviation: 1))
      try builder.apply(
        .bagAdagrad(
          BagAdagrad(
            places: place..<place + length, column: (index + 1) * width, width: width,
            rate: 0.1, epsilon: 1e-6)), to: ["i", "dy", name], name: "\(name).step",
        format: .float32, role: .output, updates: name)
      place += length
    }
    return try builder.finish()
  }

  private func passes(_ change: (inout MachineOperation) -> Bool) throws -> Bool {
    var planted = 0
    let execution = try? GraphExecution(try graph()) { program in
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

  @Test(arguments: [NumberFormat.bfloat16, .float32]) func asItStandsItPasses(
    _ format: NumberFormat
  ) throws {
    let reports = try GraphExecution(try graph(format)).reports
    #expect(reports.count == 2)
    for report in reports { #expect(report.passed, "\(report.summary)") }
  }

  @Test func anAdditionThatReplacesIsFound() throws {
    let found = try passes { operation in
      guard case .dmaIndirect(var transfer) = operation, transfer.accumulate else { return false }
      transfer.accumulate = false
      transfer.refusesOutOfBounds = false
      operation = .dmaIndirect(transfer)
      return true
    }
    #expect(!found)
  }

  /// The first of equal look-ups carries the sum; another one in its place leaves it out.
  @Test func aRowWhoseSumNobodyCarriesIsFound() throws {
    let found = try passes { operation in
      guard case .tensorScalar(var step) = operation, step.op0 == .isEqual,
        step.operand0 == .immediate(0)
      else { return false }
      step.operand0 = .immediate(1)
      operation = .tensorScalar(step)
      return true
    }
    #expect(!found)
  }

  @Test func aRowThatABagNamesTwiceCountsTwice() throws {
    let found = try passes { operation in
      guard case .scalarTensorTensor(var step) = operation, step.op0 == .isEqual else {
        return false
      }
      step.op1 = .max
      operation = .scalarTensorTensor(step)
      return true
    }
    #expect(!found)
  }

  @Test func aCollectorThatIsNotClearedIsFound() throws {
    let found = try passes { operation in
      guard case .memset(var fill) = operation, fill.value == 0 else { return false }
      fill.value = 0.5
      operation = .memset(fill)
      return true
    }
    #expect(!found)
  }

  @Test func aTableThatSomebodyStillReadsIsRefused() throws {
    var builder = GraphBuilder(name: "bags", format: .float32)
    let length = BagAdagrad.rowLength(4)
    try builder.given("i", [3, 1], format: .uint32, fill: .indices(count: 2))
    try builder.given("dy", [3, 4])
    try builder.given("t", [2 + BagAdagrad.spareRows, length], role: .state)
    try builder.apply(
      .bagAdagrad(BagAdagrad(places: 0..<1, column: 0, width: 4, rate: 1, epsilon: 1)),
      to: ["i", "dy", "t"], name: "step", role: .output, updates: "t")
    try builder.apply(.relu, to: ["t"], name: "late", role: .output)
    let graph = try builder.finish()
    let error = #expect(throws: LoweringError.self) {
      try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: false)
    }
    #expect(error?.description.contains("whose old values nobody reads any more") == true)
  }
}
