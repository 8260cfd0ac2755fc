import BenchmarkRunner
import Foundation
import Hardware
import Results
import Testing
import Units
import WorkloadCatalog

/// Whole runs of small workloads: values right, times equal in both modes, bytes equal twice.
@Suite struct WorkloadRunnerTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func catalog() throws -> WorkloadCatalog {
    try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
  }

  private func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func run(_ name: String, change: (inout RunOptions) -> Void = { _ in }) throws
    -> WorkloadReport
  {
    var options = RunOptions(device: .trainium2)
    options.output = try temporaryFolder()
    options.checksHazards = true
    change(&options)
    let catalog = try catalog()
    return try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: name), progress: { _, _ in }, isCancelled: { false })
  }

  private func simulated(_ report: WorkloadReport) -> [String: Metric] {
    report.result.metrics.filter { $0.value.kind == .simulated }
  }

  @Test(arguments: [
    "kernel/matmul-512-bf16", "kernel/attention-d128-s512-causal", "vision/digits-mlp-train",
    "micro/reduce", "kernel/experts-8x2-small", "llm/mixtral-small-layer-decode",
    "llm/minilm-l6-layer", "llm/llama-tiny-layer-train", "llm/minilm-l6-layer-train",
    "llm/gpt-j-small-prefill", "llm/gpt-j-small-decode", "recommendation/din-small",
    "recommendation/sim-small", "recommendation/dlrm-dcnv2-train-small",
    "vision/resnet-train-small", "llm/llama-tiny-layer-lora", "llm/bert-small-train",
  ])
  func valuesAreRightAndNothingRaces(_ name: String) throws {
    let report = try run(name)
    #expect(report.result.numerics.isChecked && report.result.numerics.isPassed)
    #expect(!report.numerics.isEmpty)
  }

  @Test(arguments: [
    "kernel/matmul-512-bf16", "llm/mixtral-small-layer-decode", "vision/vit-small",
    "recommendation/sim-small", "vision/digits-mlp-train", "llm/llama-small-decode-tp2",
  ])
  func everyGraphSaysWhatRanAsInstructions(_ name: String) throws {
    let report = try run(name) { $0.mode = name.hasSuffix("train") ? .functional : .timing }
    let coverage = try #require(report.result.work.coverage)
    #expect(coverage.operators == coverage.operatorsOnDevice + coverage.elsewhere.count)
    #expect(coverage.flopsPercent == 100 && coverage.bytesPercent == 100)
    #expect(coverage.elsewhere.allSatisfy { $0.reason.hasPrefix("a view") })
    let file = try #require(report.file)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("\"operators_on_device\" : \(coverage.operatorsOnDevice)"))
  }

  @Test func viewsAreListedWithTheirReason() throws {
    let report = try run("recommendation/sim-small") { $0.mode = .timing }
    let elsewhere = try #require(report.result.work.coverage).elsewhere
    #expect(elsewhere.contains { $0.node == "found.rows" && $0.operation == "Reshape" })
  }

  /// Cores before and after Trainium2's: biases in memory, transposes through fp32, less SBUF.
  @Test(
    arguments: [
      "kernel/attention-d128-s512-causal", "llm/mixtral-small-layer-decode",
      "recommendation/hstu-small", "vision/vit-small", "vision/unet-small",
      "llm/llama-tiny-layer-train",
    ], [Device.trainium1, .trainium3])
  func otherGenerationsComputeTheSame(_ name: String, device: Device) throws {
    let report = try run(name) { $0.device = device }
    #expect(report.result.numerics.isChecked && report.result.numerics.isPassed)
  }

  @Test(arguments: [
    "kernel/matmul-512-bf16", "kernel/attention-d128-s512-causal", "vision/digits-mlp-train",
    "micro/elementwise", "micro/dma-load", "micro/transpose", "llm/mixtral-small-layer-decode",
    "llm/llama-tiny-layer-train", "recommendation/dlrm-dcnv2-train-small",
    "vision/resnet-train-small", "llm/llama-tiny-layer-lora", "llm/bert-small-train",
  ])
  func bothModesGiveTheSamePicoseconds(_ name: String) throws {
    let functional = simulated(try run(name) { $0.mode = .functional })
    let timing = simulated(try run(name) { $0.mode = .timing })
    // Accuracy is a value: timing mode has none.
    let times = functional.filter { timing[$0.key] != nil }
    #expect(times == timing && timing.count >= 11)
  }

  @Test func twoRunsGiveTheSameMetricsAndTraceBytes() throws {
    var traces: [Data] = []
    var metrics: [[String: Metric]] = []
    for _ in 0..<2 {
      let report = try run("kernel/matmul-512-bf16") { $0.trace = .events }
      metrics.append(simulated(report))
      traces.append(try Data(contentsOf: URL(fileURLWithPath: report.result.trace ?? "")))
    }
    #expect(metrics[0] == metrics[1])
    #expect(traces[0] == traces[1] && !traces[0].isEmpty)
  }

  @Test func samplesDoNotChangeTheTimes() throws {
    let plain = simulated(try run("kernel/matmul-512-bf16") { $0.mode = .timing })
    let sampled = simulated(
      try run("kernel/matmul-512-bf16") {
        $0.mode = .timing
        $0.trace = .samples(interval: .nanoseconds(100))
      })
    #expect(plain == sampled)
  }

  @Test func digitsReachTheirTarget() throws {
    let report = try run("vision/digits-mlp-train")
    let accuracy = try #require(report.result.metrics["accuracy_percent"])
    #expect(accuracy.value.double >= 95)
    #expect(report.result.metrics["time_to_accuracy_us"] != nil)
  }

  @Test(arguments: [
    ("vision/digits-cnn-train", "accuracy", 98.0), ("recommendation/click-fm-train", "auc", 82.0),
  ])
  func trainingsReachTheirTargets(_ name: String, _ measure: String, _ target: Double) throws {
    // Minutes with hazards watched.
    let report = try run(name) { $0.checksHazards = false }
    #expect(report.result.numerics.isChecked && report.result.numerics.isPassed)
    let found = try #require(report.result.metrics["\(measure)_percent"])
    #expect(found.value.double >= target)
    #expect(report.result.metrics["time_to_\(measure)_us"] != nil)
  }

  @Test func theProductLiesBetweenItsBoundAndTheHandTunedHardware() throws {
    let report = try run("kernel/matmul-4096-bf16") { $0.mode = .timing }
    let latency = try #require(report.result.metric(.latency)).value.double
    #expect((1_777.0...1_860.0).contains(latency), "\(latency) us")
  }

  @Test func aTraceThatCannotBeWrittenIsAnInputOutputError() throws {
    do {
      _ = try run("kernel/matmul-512-bf16") {
        $0.trace = .events
        $0.output = URL(fileURLWithPath: "/proc/no-such-folder")
      }
      Issue.record("nothing can be written there")
    } catch let error as RunnerError {
      #expect(error.outcome == .inputOutputFailed)
    }
  }

  @Test func aCancelledRunSaysSo() throws {
    let catalog = try catalog()
    var options = RunOptions(device: .trainium2)
    options.output = try temporaryFolder()
    options.mode = .timing
    #expect(throws: RunnerError.self) {
      try WorkloadRunner(options: options, catalog: catalog).run(
        try catalog.specification(named: "llm/llama3.1-8b-prefill"), progress: { _, _ in },
        isCancelled: { true })
    }
  }
}
