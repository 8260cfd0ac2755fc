import Foundation
import Testing

/// Shares of time that are estimated from samples, beside those that every event gives.
@Suite(.serialized) struct SampledSharesTests {
  private static let catalog = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Workloads").path

  /// Every graph workload; the large ones, whose runs take seconds each, with TRNBENCH_ALL=1.
  private static var workloads: [String] {
    let isWhole = ProcessInfo.processInfo.environment["TRNBENCH_ALL"] == "1"
    let small = ["-small", "-layer", "kernel/softmax", "kernel/rmsnorm", "kernel/matmul-512"]
    return ["kernel", "llm", "recommendation", "scientific", "vision"].flatMap { family in
      let files = try? FileManager.default.contentsOfDirectory(atPath: "\(catalog)/\(family)")
      return (files ?? []).filter { $0.hasSuffix(".yaml") }.map { "\(family)/\($0.dropLast(5))" }
    }.filter { name in
      // Cores that work together record a trace each.
      let text = try? String(contentsOfFile: "\(catalog)/\(name).yaml", encoding: .utf8)
      return text?.contains("tensor_parallel") != true
    }.filter { name in
      // A training is many runs, and only its last step would be recorded.
      !name.contains("train") && (isWhole || small.contains { name.contains($0) })
        && (isWhole || !name.contains("70b") && !name.contains("8x7b"))
    }.sorted()
  }

  private struct Engine: Decodable {
    var engine: String
    var activePercent: Double
    var idlePercent: Double
    var stallPercent: [String: Double]

    var shares: [(String, Double)] {
      let stalls = stallPercent.sorted { $0.key < $1.key }
      return [("active", activePercent), ("idle", idlePercent)] + stalls.map { ($0.key, $0.value) }
    }
  }

  private struct Summary: Decodable {
    struct DMA: Decodable { var activePercent: Double }
    struct Sampling: Decodable { var halfWidthPercent: Double }
    var basis: String
    var engines: [Engine]
    var dma: DMA
    var sampling: Sampling?
  }

  private func summary(_ desk: Desk, _ trace: String, _ options: String...) throws -> Summary {
    let answer = desk.run(["trace", "summary", trace, "--format", "json"] + options)
    try #require(answer.code == 0, "\(answer.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Summary.self, from: Data(answer.output.utf8))
  }

  private func record(_ name: String, _ mode: String, _ desk: Desk) throws -> String {
    let answer = desk.run(
      "run", name, "--mode", "timing", "--trace", mode, "--output", mode)
    try #require(answer.code == 0, "\(answer.errors)")
    let files = FileManager.default.enumerator(atPath: desk.folder.path + "/" + mode)?
      .compactMap { $0 as? String }
    return mode + "/" + (try #require(files?.first { $0.hasSuffix(".trntrace") }))
  }

  /// A trace compares with the peak of the workload's precision, as its run does; the run's time
  /// has the kernel's envelope too.
  @Test(arguments: ["kernel/matmul-4096-fp8", "kernel/matmul-512-bf16"])
  func utilisationIsThatOfTheRun(name: String) throws {
    let desk = try Desk()
    desk.catalog = Self.catalog
    func document(_ answer: Desk.Answer) throws -> [String: Any] {
      try #require(answer.code == 0, "\(answer.errors)")
      return try #require(
        JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    }
    let result = try document(
      desk.run(
        "run", name, "--mode", "timing", "--trace", "events", "--output", "out", "--format",
        "json"))
    let run = try #require((result["runs"] as? [[String: Any]])?.first)
    let metrics = try #require(run["metrics"] as? [String: [String: Any]])
    let utilisation = try #require(metrics["mfu_percent"]?["value"] as? Double)
    let latency = try #require(metrics["latency_us"]?["value"] as? Double)
    let file = try #require(run["trace"] as? String).replacing("DESK/", with: "")
    let summary = try document(desk.run("trace", "summary", file, "--format", "json"))
    let duration = try #require(summary["duration_us"] as? Double)
    let own = try #require((summary["metrics"] as? [String: Double])?["mfu_estimated_percent"])
    #expect(own < 1)
    #expect(abs(100 * own * duration - utilisation * latency) < 1e-6 * utilisation * latency)
  }

  /// What the model counted beside samples equals what every event adds up to, and estimates lie
  /// within the bound that the summary states.
  @Test(arguments: workloads) func samplesAgreeWithEvents(name: String) throws {
    let desk = try Desk()
    desk.catalog = Self.catalog
    let exact = try summary(desk, try record(name, "events", desk))
    let samples = try record(name, "samples", desk)
    let counted = try summary(desk, samples)
    let estimated = try summary(desk, samples, "--from", "0us")
    #expect(exact.basis == "events" && counted.basis == "counters")
    #expect(estimated.basis == "samples")
    let bound = try #require(estimated.sampling).halfWidthPercent
    for (index, engine) in exact.engines.enumerated() {
      for (share, other) in zip(engine.shares, counted.engines[index].shares) {
        #expect(abs(share.1 - other.1) < 1e-3, "\(engine.engine) \(share) counted as \(other)")
      }
      for (share, other) in zip(engine.shares, estimated.engines[index].shares) {
        #expect(abs(share.1 - other.1) < bound, "\(engine.engine) \(share) estimated as \(other)")
      }
    }
    #expect(abs(exact.dma.activePercent - estimated.dma.activePercent) < bound)
  }
}
