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

  /// What samples say of each layer is what events say, waits for a kernel's first instructions
  /// among it, to a few samples for each kernel.
  @Test func samplesByLayerAgreeWithEvents() throws {
    func layers(_ recording: RunOptions.Trace) throws -> [String: SummaryGroup] {
      let summary = try TraceSummary(
        TraceReader(path: try trace(recording)), tellsInvocations: true)
      return Dictionary(
        uniqueKeysWithValues: summary.groups(by: .layer).map { ($0.name, $0) })
    }
    let exact = try layers(.events)
    let sampled = try layers(.samples(interval: .nanoseconds(500)))
    #expect((sampled["(unknown)"]?.busy ?? 0) + (sampled["(unknown)"]?.stall ?? 0) == 0)
    let total = exact.values.reduce(0) { $0 + $1.busy + $1.stall }
    for (name, group) in exact {
      let other = try #require(sampled[name], "\(name)")
      #expect(abs(group.busy - other.busy) < total / 100, "\(name): \(other) for \(group)")
      #expect(abs(group.stall - other.stall) < total / 100, "\(name): \(other) for \(group)")
    }
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

  /// Samples say where time went, and the footer how often every instruction ran: what follows from
  /// that is as exact as of events.
  @Test func sampledTracesCountExactly() throws {
    let exact = try TraceSummary(TraceReader(path: trace(.events)))
    let reader = try TraceReader(path: trace(.samples(interval: .nanoseconds(50))))
    let sampled = try TraceSummary(reader)
    #expect(sampled.basis == .counters && sampled.isCounted)
    #expect(try reader.verify().isEmpty)
    for name in [
      "mfu_estimated_percent", "hfu_estimated_percent", "mbu_estimated_percent", "hardware_flops",
      "hbm_read_bytes", "hbm_write_bytes", "dma_transfer_count",
      "dma_transfer_total_bytes", "matmul_instruction_count", "activate_instruction_count",
    ] {
      let value = try #require(exact.metric(name))
      #expect(sampled.metric(name) == value && value > 0, "\(name)")
    }
    #expect(sampled.dmaEngines.map(\.bytes) == exact.dmaEngines.map(\.bytes))
    #expect(sampled.dmaEngines.map(\.records) == exact.dmaEngines.map(\.records))
    func counts(_ summary: TraceSummary) -> [String: [Int64?]] {
      Dictionary(
        uniqueKeysWithValues: summary.groups(by: .opcode).map {
          ($0.name, [$0.instructions, $0.transfers, $0.bytes, $0.flops, $0.hbmBytes])
        })
    }
    #expect(counts(sampled) == counts(exact))
    // A part of the run has samples alone.
    let part = try TraceSummary(reader, from: .zero, to: Picoseconds(sampled.duration.value / 2))
    #expect(!part.isCounted && part.metric("mbu_estimated_percent") == nil)
  }

  /// A model's path is the same when it is followed in pieces.
  @Test func longPathsAreThoseOfTheWholeRun() throws {
    let reader = try TraceReader(path: try trace(.events))
    let whole = try #require(try TraceSummary(reader, followsPath: true).path)
    let long = try #require(
      try TraceSummary(reader, followsPath: true, followsLongPath: true, pathLimit: 3_000).path)
    #expect(long.parts == whole.parts)
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

  /// A trace of a window finds the causes that the whole run shows, as far as they lie in it: what
  /// semaphores held when it began stands in the file.
  @Test func windowsKnowTheSemaphoresFromBefore() throws {
    let reader = try TraceReader(path: try trace(.events))
    #expect(try reader.semaphoresBefore() == nil)
    let whole = CauseGraph(try #require(try EventWindow.load(reader)))
    var known = 0
    for tenth in [3, 5, 8] as [Int64] {
      let from = whole.window.to / 10 * tenth
      let to = from + whole.window.to / 20
      let own = try TraceReader(
        path: try trace(.window(from: Picoseconds(from), to: Picoseconds(to))))
      #expect(try #require(try own.semaphoresBefore()).contains { $0 > 0 })
      let part = CauseGraph(try #require(try EventWindow.load(own)))
      let late = CauseGraph(try EventWindow.load(own, before: to, limit: 30))
      #expect(late.window.from > from)
      for graph in [part, late] {
        for track in 0..<TrackID.engineCount {
          // What goes on after the window was let go by what may not lie in it.
          for (index, event) in graph.window.events[track].enumerated()
          where event.wait.value > 0 && event.start.value < to {
            let place = try #require(whole.window.events[track].firstIndex(of: event))
            let expected = whole.cause(of: EventReference(track: track, index: place))
            guard let source = expected.source.map({ whole.window[$0] }),
              source.end.value >= graph.window.from,
              expected.kind == .semaphore || expected.kind == .dma
            else { continue }
            let cause = graph.cause(of: EventReference(track: track, index: index))
            #expect(cause.kind == expected.kind && cause.semaphore == expected.semaphore)
            #expect(cause.source.map { graph.window[$0] } == source)
            known += 1
          }
        }
      }
    }
    #expect(known > 50, "\(known)")
  }
}
