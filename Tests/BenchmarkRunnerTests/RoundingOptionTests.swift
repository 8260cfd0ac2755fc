import BenchmarkRunner
import Foundation
import Hardware
import Results
import Testing
import Units
import WorkloadCatalog

/// Runs whose stores do not round, or round at random: what is left of the error, equal times, and
/// results that do not take the place of usual ones.
@Suite struct RoundingOptionTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func catalog() throws -> WorkloadCatalog {
    try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
  }

  private func run(
    _ name: String, of catalog: WorkloadCatalog, _ rounding: RunOptions.Rounding,
    change: (inout RunOptions) -> Void = { _ in }
  ) throws -> WorkloadReport {
    var options = RunOptions(device: .trainium2)
    options.output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
    options.rounding = rounding
    options.mode = .functional
    change(&options)
    return try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: name), progress: { _, _ in }, isCancelled: { false })
  }

  private func simulated(_ report: WorkloadReport) -> [String: Metric] {
    report.result.metrics.filter { $0.value.kind == .simulated }
  }

  @Test(arguments: [
    "kernel/matmul-small", "kernel/rmsnorm-small", "kernel/softmax-small", "kernel/gated-small",
    "llm/layer-small",
  ])
  func withoutRoundingTheErrorIsOfTheOrderOfFP32AndTheTimeTheSame(_ name: String) throws {
    try compare(name, of: try SmallCatalog.make())
  }

  @Test func attentionIsOfTheOrderOfFP32Too() throws {
    try compare("kernel/attention-d128-s512-causal", of: try catalog())
  }

  private func compare(_ name: String, of catalog: WorkloadCatalog) throws {
    let usual = try run(name, of: catalog, .nearest)
    let unrounded = try run(name, of: catalog, .none)
    #expect(usual.result.numerics.isPassed && unrounded.result.numerics.isPassed)
    let roundedError = try #require(usual.result.numerics.maximumRelativeError)
    let error = try #require(unrounded.result.numerics.maximumRelativeError)
    #expect(roundedError > 5e-4, "\(usual.numerics)")
    #expect(error < 4e-6, "\(unrounded.numerics)")
    #expect(simulated(usual) == simulated(unrounded))
  }

  @Test func stochasticRoundingIsSeededWithinItsToleranceAndOfTheSameTime() throws {
    let catalog = try SmallCatalog.make()
    let name = "kernel/softmax-small"
    let usual = try run(name, of: catalog, .nearest)
    let first = try run(name, of: catalog, .stochastic)
    let again = try run(name, of: catalog, .stochastic)
    let other = try run(name, of: catalog, .stochastic) { $0.seed = 1 }
    #expect(first.result.numerics.isPassed, "\(first.numerics)")
    #expect(first.numerics == again.numerics && first.numerics != other.numerics)
    #expect(first.numerics != usual.numerics)
    #expect(simulated(usual) == simulated(first))
  }

  @Test func resultsAreToldApart() throws {
    let catalog = try SmallCatalog.make()
    let paths = try RunOptions.Rounding.allCases.map { rounding in
      let result = try run("kernel/matmul-small", of: catalog, rounding).result
      return (result.variant, try result.relativePath(), result.identityText)
    }
    #expect(paths.map(\.0) == [nil, "stochastic", "unrounded"])
    #expect(Set(paths.map(\.1)).count == 3 && Set(paths.map(\.2)).count == 3)
  }

  @Test func timingModeStoresNothingToRound() throws {
    do {
      _ = try run("kernel/matmul-small", of: try SmallCatalog.make(), .none) { $0.mode = .timing }
      Issue.record("timing mode took --rounding")
    } catch let error as RunnerError {
      #expect(error.outcome == .badInput && error.description.contains("--mode functional"))
    }
  }

  @Test(arguments: ["matmul-fp8", "elementwise", "activation", "transpose"])
  func microProgramsPassWithEveryRounding(_ name: String) throws {
    for rounding in RunOptions.Rounding.allCases {
      let report = try run("micro/\(name)", of: try catalog(), rounding)
      #expect(report.result.numerics.isPassed, "\(rounding): \(report.numerics)")
    }
  }
}
