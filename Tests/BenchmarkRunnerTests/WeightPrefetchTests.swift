import BenchmarkRunner
import CoreState
import Hardware
import InstructionSet
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Kernels that stream weights bring the first of them beside the kernel before: the same loads,
/// the same values, nothing unordered, in less time.
@Suite struct WeightPrefetchTests {
  /// A chain as decoding has it: norm, product, norm, gated layer.
  private func chain(_ format: NumberFormat, rows: Int = 1) throws -> Graph {
    let (width, hidden) = (512, 1_024)
    var builder = GraphBuilder(name: "chain", format: format)
    try builder.given("x", [rows, width])
    try builder.given("first_norm", [width], role: .weight)
    try builder.apply(
      .rmsNormalization(epsilon: 1e-5), to: ["x", "first_norm"], name: "normal")
    try builder.weight("w", rows: width, columns: width)
    try builder.product("normal", "w", name: "middle")
    try builder.given("second_norm", [width], role: .weight)
    try builder.apply(
      .rmsNormalization(epsilon: 1e-5), to: ["middle", "second_norm"], name: "again")
    for (name, rows, columns) in [
      ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ] { try builder.weight("w_\(name)", rows: rows, columns: columns) }
    let hints = KernelHints(fusion: "gated")
    try builder.product("again", "w_gate", name: "gate", hints: hints)
    try builder.product("again", "w_up", name: "up", hints: hints)
    try builder.apply(.silu, to: ["gate"], name: "activated", hints: hints)
    try builder.apply(.multiply, to: ["activated", "up"], name: "gated", hints: hints)
    try builder.product("gated", "w_down", name: "y", role: .output)
    return try builder.finish()
  }

  /// Loads of each allocation, over all invocations.
  private func loads(_ program: Program) -> [Int: Int] {
    var counts: [Int: Int] = [:]
    for invocation in program.invocations {
      for instruction in program.segments[invocation.segment].instructions {
        guard case .dma(let transfer) = instruction.operation,
          case .hbm(let source) = transfer.source
        else { continue }
        counts[invocation.tensors[Int(source.tensor)], default: 0] += source.count
      }
    }
    return counts
  }

  @Test(arguments: [NumberFormat.bfloat16, .float32], [1, 16])
  func valuesAndOrderStay(_ format: NumberFormat, _ rows: Int) throws {
    let graph = try chain(format, rows: rows)
    let plain = try Lowerer(device: .trainium2, prefetchesWeights: false)
      .lower(graph, keepsIntermediates: true)
    let execution = try GraphExecution(graph)
    for report in execution.reports { #expect(report.passed, "\(report.summary)") }
    #expect(loads(execution.lowered.program) == loads(plain.program))
    let moved = zip(execution.lowered.program.invocations, plain.program.invocations)
      .filter { $0.tensors.count > $1.tensors.count }
    #expect(moved.count == 2, "both norms carry loads of the kernels behind them")
    let without = try GraphExecution(graph) { $0 = plain.program }
    #expect(execution.picoseconds < without.picoseconds)
  }

  /// What a load may not overtake: a weight that the step itself changes stays where it is.
  @Test func stateIsNotBroughtForward() throws {
    var builder = GraphBuilder(name: "state", format: .bfloat16)
    builder.trainsWeights = true
    try builder.given("x", [1, 256])
    try builder.weight("v", rows: 256, columns: 256)
    try builder.product("x", "v", name: "middle")
    try builder.weight("w", rows: 256, columns: 256)
    try builder.product("middle", "w", name: "y", role: .output)
    let graph = try builder.finish()
    let lowered = try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: true)
    let plain = try Lowerer(device: .trainium2, prefetchesWeights: false)
      .lower(graph, keepsIntermediates: true)
    #expect(lowered.program.invocations == plain.program.invocations)
  }

  /// Kernels that compute on many rows keep all of SBUF.
  @Test func manyRowsStayAsTheyAre() throws {
    let graph = try chain(.bfloat16, rows: 256)
    let lowered = try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: false)
    let plain = try Lowerer(device: .trainium2, prefetchesWeights: false)
      .lower(graph, keepsIntermediates: false)
    #expect(lowered.program.invocations == plain.program.invocations)
    #expect(lowered.program.segments.map(\.name) == plain.program.segments.map(\.name))
  }

  /// The halves of a core: every tile and every semaphore of a kernel lies in its own.
  @Test(arguments: [Device.trainium1, .trainium2, .trainium3])
  func everyDeviceRunsIt(_ device: Device) throws {
    let execution = try GraphExecution(try chain(.bfloat16), on: device)
    for report in execution.reports { #expect(report.passed, "\(report.summary)") }
    let names = execution.lowered.program.segments.map(\.name)
    #expect(Set(names).count == names.count, "names tell segments apart")
  }
}
