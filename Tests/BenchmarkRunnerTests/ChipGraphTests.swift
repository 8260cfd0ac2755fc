import BenchmarkRunner
import CoreState
import Foundation
import Hardware
import InstructionSet
import ModelGraph
import NumericFormats
import Results
import Testing
import WorkloadCatalog

/// Models that several cores of a chip have parts of.
@Suite struct ChipGraphTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func catalog() throws -> WorkloadCatalog {
    try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
  }

  private func run(_ name: String, change: (inout RunOptions) -> Void = { _ in }) throws
    -> WorkloadReport
  {
    var options = RunOptions(device: .trainium2)
    options.output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
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
    ("llm/llama-small-decode-tp2", 2, Device.trainium2),
    ("llm/llama-small-decode-tp2", 2, .trainium3),
    ("llm/llama-small-prefill-tp4", 4, .trainium2),
    ("llm/gpt-oss-small-decode-tp2", 2, .trainium3),
    ("llm/gpt-oss-small-decode-mxfp4-tp2", 2, .trainium3),
    ("llm/gpt-oss-small-prefill-tp2", 2, .trainium2),
  ])
  func partsMeanTheWhole(_ name: String, cores: Int, device: Device) throws {
    let report = try run(name) { $0.device = device }
    #expect(report.result.numerics.isChecked && report.result.numerics.isPassed)
    #expect(report.result.work.cores == cores)
    #expect(report.numerics.contains { $0.hasPrefix("split: logits passed") })
    let last = cores - 1
    #expect(
      report.numerics.contains { $0.hasPrefix("core \(last): layer1/feed_forward_output passed") })
    let coverage = try #require(report.result.work.coverage)
    #expect(coverage.flopsPercent == 100 && coverage.operators > 20)
  }

  /// A training step: two sums forwards and two backwards, and every new weight and moment a part
  /// of the whole layer's.
  @Test func trainedPartsMeanTheWhole() throws {
    let report = try run("llm/llama-tiny-layer-train-tp2")
    #expect(report.result.numerics.isChecked && report.result.numerics.isPassed)
    let split = report.numerics.filter { $0.hasPrefix("split: ") }
    #expect(split.count >= 28 && split.allSatisfy { $0.contains(" passed") })
    let parts = ["attention_output", "feed_forward_output"].map { "core 1: \($0) passed" }
    for part in parts { #expect(report.numerics.contains { $0.hasPrefix(part) }) }
    let backwards = report.numerics.filter {
      $0.hasPrefix("core 1: d") && $0.contains(".sum passed")
    }
    #expect(backwards.count == 2)
  }

  @Test(arguments: ["llm/llama-small-decode-tp2", "llm/llama-tiny-layer-train-tp2"])
  func bothModesGiveTheSamePicoseconds(name: String) throws {
    let functional = simulated(try run(name))
    let timing = simulated(try run(name) { $0.mode = .timing })
    #expect(functional == timing && timing.count >= 11)
  }

  // MARK: Planted faults

  private func parameters() throws -> DecoderParameters {
    var parameters = DecoderParameters(
      architecture: try catalog().architecture("llama-small"), phase: .decode, batch: 1, tokens: 1,
      context: 128)
    parameters.architecture.layers = 1
    parameters.weights = .float8e4m3
    return parameters
  }

  private func graphs(change: (inout DecoderParameters) -> Void = { _ in }) throws
    -> (part: Graph, whole: Graph)
  {
    let whole = try parameters()
    var part = whole
    change(&part)
    return (
      try DecoderGraphs(part, format: .bfloat16, ranks: 2).model(named: "part"),
      try DecoderGraphs(whole, format: .bfloat16).model(named: "whole")
    )
  }

  @Test func soundPartsPass() throws {
    let (part, whole) = try graphs()
    let reports = try ChipExecution(part, of: whole, ranks: 2).reports
    let failed = reports.filter { !$0.passed }
    #expect(failed.isEmpty)
    // What every kernel left, of each rank; what is summed over the ranks among it.
    let names = Set(reports.map(\.node))
    let expected = [
      "key_cache", "value_cache", "attended", "attention_output", "feed_forward_output", "logits",
    ]
    for part in expected {
      #expect(names.contains { $0.hasSuffix(part) }, "\(part) of \(names.sorted())")
    }
    #expect(reports.count > 20)
  }

  @Test func sumsThatTakeTheLargestFail() throws {
    let (part, whole) = try graphs()
    let reports = try ChipExecution(part, of: whole, ranks: 2) { program in
      for segment in program.segments.indices {
        for index in program.segments[segment].instructions.indices {
          guard
            case .collective(var collective) =
              program.segments[segment].instructions[index].operation
          else { continue }
          collective.operation = .max
          program.segments[segment].instructions[index].operation = .collective(collective)
        }
      }
    }.reports
    let wrong = reports.filter { !$0.passed }.map(\.node)
    #expect(wrong.contains("core 0: layer0/attention_output"))
    #expect(wrong.contains("core 1: layer0/feed_forward_output"))
  }

  @Test func partsOfAnotherModelFail() throws {
    let (part, whole) = try graphs { $0.architecture.rotaryBase *= 2 }
    let reports = try ChipExecution(part, of: whole, ranks: 2).reports
    let wrong = reports.filter { !$0.passed }.map(\.node)
    #expect(wrong.contains("split: logits"))
  }

  // MARK: Refusals

  private func refusal(_ name: String, change: (inout RunOptions) -> Void) -> String {
    do {
      _ = try run(name, change: change)
      return ""
    } catch { return "\(error)" }
  }

  @Test func moreCoresThanTheChipHasAreRefused() {
    let text = refusal("llm/llama3.1-70b-decode-fp8") { $0.device = .trainium1 }
    #expect(text.contains("runs on 8 cores, and a chip of trn1 has 2: it would need 4 chips"))
  }

  @Test func whatNeedsOneCoreIsRefused() {
    let name = "llm/llama-small-decode-tp2"
    #expect(refusal(name) { $0.computesUncertainty = true }.contains("--uncertainty"))
    #expect(refusal(name) { $0.rounding = .stochastic }.contains("--rounding"))
  }

  @Test func modelsTooLargeForTheChipSayByHowMuch() throws {
    let catalog = try catalog()
    var workload = try catalog.specification(named: "llm/llama3.1-70b-decode-fp8")
    guard case .model(var parameters) = workload.body else { return }
    parameters.weights = nil
    workload.body = .model(parameters)
    var options = RunOptions(device: .trainium2)
    options.output = FileManager.default.temporaryDirectory
    let error = #expect(throws: RunnerError.self) {
      try WorkloadRunner(options: options, catalog: catalog).run(
        workload, progress: { _, _ in }, isCancelled: { false })
    }
    let text = error?.description ?? ""
    #expect(text.contains("each of 8 cores needs 18."))
    #expect(text.contains("more than the 12.0 GiB that it has beside its neighbours"))
    #expect(text.contains("or 2 chips, which this model does not join yet"))
  }
}
