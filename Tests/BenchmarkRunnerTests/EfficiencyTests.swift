import BenchmarkRunner
import Foundation
import Hardware
import Lowering
import Results
import Testing
import Units
import WorkloadCatalog

/// What the kernels make of the modelled machine: shares of its peaks that no change may lose.
///
/// Peaks are those of one core of a Trainium2 (Hardware): 78.6 TFLOPS in bf16, 157 in fp8. The rate
/// that transfers keep up is what micro/dma-load measures in a stream of 64 KiB per partition.
@Suite struct EfficiencyTests {
  private func catalog() throws -> WorkloadCatalog {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
  }

  private func run(_ name: String) throws -> WorkloadReport {
    let catalog = try catalog()
    var options = RunOptions(device: .trainium2)
    options.mode = .timing
    options.output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
    return try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: name), progress: { _, _ in }, isCancelled: { false })
  }

  private func value(_ metric: StandardMetric, _ result: RunResult) throws -> Double {
    try #require(result.metric(metric)).value.double
  }

  @Test(arguments: [
    ("kernel/matmul-2048-bf16", 78.6, 90.0), ("kernel/matmul-4096-bf16", 78.6, 90),
    ("kernel/matmul-4096-fp8", 157, 85), ("kernel/attention-d128-s4096-causal", 78.6, 35),
    ("kernel/attention-d128-s16384-causal", 78.6, 45),
  ])
  func products(_ name: String, teraflops: Double, percent: Double) throws {
    let result = try run(name).result
    let flops = Double(try #require(result.work.flops))
    let reached = flops / (try value(.latency, result)) / 1e6
    #expect(reached >= percent / 100 * teraflops, "\(name): \(reached) TFLOPS")
  }

  /// One read and one write of all of x; a decoding step's weights and caches on each of the cores.
  @Test(arguments: [
    ("kernel/rmsnorm-4096", 1, 85.0), ("kernel/softmax-4096", 1, 85),
    ("llm/llama3.1-8b-decode", 1, 80), ("llm/llama3.1-70b-decode-fp8", 8, 80),
    ("llm/mixtral-8x7b-decode", 8, 80), ("llm/gpt-oss-20b-decode-b16", 8, 80),
  ])
  func transfers(_ name: String, cores: Int, percent: Double) throws {
    let result = try run(name).result
    let bytes = try value(.hbmRead, result) + value(.hbmWrite, result)
    let reached = bytes / (try value(.latency, result)) / Double(cores)
    #expect(reached >= percent / 100 * (try streamRate()), "\(name): \(reached) bytes/us")
  }

  /// Rows of tables are gathered as fast as GpSimd makes descriptors, which the plan's bound is.
  @Test func gathers() throws {
    let name = "kernel/embedding-bag-ragged"
    let graph = try #require(try catalog().specification(named: name).graph())
    let lowered = try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: false)
    let bound = Double(LoweringReport(lowered, on: .trainium2).bound.value) / 1e6
    let reached = bound / (try value(.latency, try run(name).result))
    #expect(reached >= 0.7, "\(reached) of the bound")
  }

  /// Bytes per microsecond of a stream.
  private func streamRate() throws -> Double {
    let law = try #require(
      try run("micro/dma-load").laws.first {
        $0.name.hasPrefix("dma_load hardware 128x65536B stream") && $0.quantity == "interval"
      })
    return 128 * 65_536 / law.nanoseconds * 1e3
  }
}
