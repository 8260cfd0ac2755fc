import BenchmarkRunner
import Foundation
import Hardware
import Results
import Testing
import WorkloadCatalog

/// Micro workloads on devices that lack what some of their programs use.
@Suite struct LeftOutProgramTests {
  private func run(_ name: String, on device: Device) throws -> WorkloadReport {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let catalog = try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
    var options = RunOptions(device: device)
    options.output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
    return try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: name), progress: { _, _ in }, isCancelled: { false })
  }

  @Test(arguments: ["micro/transpose", "micro/matmul-fp8"])
  func theOthersRunAndTheReasonIsSaid(name: String) throws {
    let report = try run(name, on: .trainium1)
    #expect(report.result.numerics.isPassed && !report.laws.isEmpty)
    let leftOut = report.numerics.filter { $0.hasPrefix("left out: ") }
    #expect(!leftOut.isEmpty)
    for line in leftOut { #expect(line.contains("does not exist on NeuronCore-v2")) }
  }

  @Test func nothingIsLeftOutAtHome() throws {
    let report = try run("micro/transpose", on: .trainium2)
    #expect(!report.numerics.contains { $0.hasPrefix("left out: ") })
  }
}
