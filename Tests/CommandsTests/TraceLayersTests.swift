import BenchmarkRunner
import Foundation
import Hardware
import Results
import TraceAnalysis
import TraceFile
import Testing
import Units
import WorkloadCatalog

/// What a trace of a model says beside its records: which layer and operator each belongs to, and
/// why engines waited.
@Suite struct TraceLayersTests {
  /// A model of two layers, whose kernels are used by both.
  private func trace(_ recording: RunOptions.Trace) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let catalog = try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
    var options = RunOptions(device: .trainium2)
    options.output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-\(UUID().uuidString)")
    options.mode = .timing
    options.trace = recording
    let report = try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: "llm/gpt-j-small-prefill"), progress: { _, _ in },
      isCancelled: { false })
    return try #require(report.result.trace)
  }

  @Test func layersAndOperatorsHoldAllTime() throws {
    let reader = try TraceReader(path: try trace(.events))
    #expect(!reader.invocations.isEmpty)
    let summary = try TraceSummary(reader, tellsInvocations: true, followsPath: true)
    let layers = summary.groups(by: .layer)
    #expect(Set(layers.map(\.name)).isSuperset(of: ["layer 0", "layer 1"]))
    #expect(!layers.contains { $0.name == "(unknown)" })
    // Equal layers take equal work, and all groups together what the engines took.
    let counts = layers.filter { $0.name.hasPrefix("layer") }.compactMap(\.instructions)
    #expect(Set(counts).count == 1 && counts[0] > 0)
    for grouping in [SummaryGrouping.layer, .operator, .node] {
      let groups = summary.groups(by: grouping)
      #expect(groups.reduce(0) { $0 + $1.busy } == summary.engines.reduce(0) { $0 + $1.busy })
      #expect(
        groups.reduce(0) { $0 + $1.dmaBusy } == summary.dmaEngines.reduce(0) { $0 + $1.busy })
      #expect(groups.reduce(0) { $0 + $1.stall } == summary.engines.reduce(0) { $0 + $1.stalled })
      // The path's time is shared by them without a rest, and none loses more than it has of it.
      let path = try #require(summary.path)
      let ends = path.parts.reduce(0) { $0 + ($1.key.cause == "end" ? $1.value : 0) }
      #expect(groups.reduce(0) { $0 + ($1.pathTime ?? 0) } == summary.duration.value - ends)
      #expect(groups.allSatisfy { ($0.lost ?? -1) >= 0 && $0.lost! <= $0.pathTime! })
    }
    let shares = layers.filter { $0.name.hasPrefix("layer") }.compactMap(\.pathTime)
    #expect(shares.allSatisfy { 10 * $0 > summary.duration.value }, "\(shares)")
    let operators = summary.groups(by: .operator).map(\.name)
    #expect(operators.contains { $0.hasPrefix("Attention") }, "\(operators)")
    #expect(summary.groups(by: .node).count > operators.count)
  }

  @Test func samplesKnowTheirLayersToo() throws {
    let reader = try TraceReader(path: try trace(.samples(interval: .nanoseconds(50))))
    let summary = try TraceSummary(reader, tellsInvocations: true)
    let layers = summary.groups(by: .layer).filter { $0.name.hasPrefix("layer") }
    #expect(layers.count == 2)
    let busy = layers.map { Double($0.busy) }
    #expect(abs(busy[0] - busy[1]) < 0.1 * busy[0], "\(busy)")
  }

  /// Equal kernels of two layers are told apart where causes are explained, and in the viewer.
  @Test func explanationsAndTheViewerNameTheLayer() throws {
    let path = try trace(.events)
    let reader = try TraceReader(path: path)
    let window = try #require(try EventWindow.load(reader))
    let desk = try Desk()
    var seen: Set<String> = []
    for layer in ["layer 0", "layer 1"] {
      let product = try #require(
        window.events[0].first { window.layer($0, on: .tensor) == layer && $0.duration.value > 0 })
      let at = ["--at", "\(product.start.value)ps", "--engine", "tensor"]
      let answer = desk.run(
        ["trace", "explain", path] + at + ["--depth", "1", "--format", "json"])
      #expect(answer.code == 0 && answer.output.contains("\"layer\" : \"\(layer)\""))
      let operators = try #require(window.invocation(product, on: .tensor)).operators
      #expect(!operators.isEmpty && answer.output.contains("\"operators\" : \"\(operators)\""))
      let lines = desk.run(["trace", "explain", path] + at + ["--depth", "1"]).output
      #expect(lines.contains(layer) && lines.contains(operators), "\(lines)")
      let screen = desk.run(
        [
          "trace", "view", path, "--static", "--width", "160", "--from", "\(product.start.value)ps",
          "--to", "\(product.end.value)ps",
        ])
      if screen.output.contains(layer) { seen.insert(layer) }
    }
    #expect(seen.count == 2)
  }

  /// The cause that the model records is the one that the records themselves lead to.
  @Test func recordedCausesAreThoseThatTheRecordsShow() throws {
    let reader = try TraceReader(path: try trace(.events))
    let window = try #require(try EventWindow.load(reader))
    let graph = CauseGraph(window)
    var seen: [StallCause: Int] = [:]
    for track in 0..<TrackID.engineCount {
      for (index, event) in window.events[track].enumerated() where event.wait.value > 0 {
        let cause = graph.cause(of: EventReference(track: track, index: index))
        guard cause.kind == .semaphore || cause.kind == .dma else { continue }
        let expected: StallCause = cause.kind == .dma ? .dma : .semaphore
        #expect(event.stallCause == expected, "track \(track), record \(index)")
        seen[expected, default: 0] += 1
      }
    }
    #expect(seen[.dma, default: 0] > 10 && seen[.semaphore, default: 0] > 10, "\(seen)")
  }
}
