import BenchmarkRunner
import Foundation
import Hardware
import Results
import Testing
import WorkloadCatalog

/// What micro workloads measure beside what is published, beyond the captured laws.
@Suite struct PublishedLawTests {
  @Test(arguments: [
    "activation", "copy", "elementwise", "gpsimd", "matmul-bf16", "matmul-fp16", "matmul-fp32",
    "memset", "reduce", "scan", "transpose",
  ])
  func measurementsMatchWhatIsPublished(_ name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let catalog = try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
    var options = RunOptions(device: .trainium2)
    options.mode = .timing
    options.output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
    let report = try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: "micro/\(name)"), progress: { _, _ in },
      isCancelled: { false })
    let compared = report.laws.filter { $0.published != nil }
    #expect(!compared.isEmpty)
    for law in compared {
      let error = law.errorPercent ?? 0
      #expect(
        error <= 3,
        "\(law.name), \(law.quantity): \(law.nanoseconds) ns, published \(law.published!)")
    }
  }
}
