import Foundation
import Hardware
import ProfileImport
import Replay
import Testing
import TraceAnalysis
import TraceFile
import Units

/// Where real reports lie.
enum Captures {
  static let folder = ProcessInfo.processInfo.environment["CAPTURES"]

  static var files: [String] {
    guard let folder else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".json.gz") }.sorted()
      .map { folder + "/" + $0 }
  }
}

/// Real captures against the model. The project carries none: `CAPTURES=folder` names where reports
/// of the vendor's profiler lie, and without it these tests are skipped.
@Suite(
  .enabled(if: Captures.folder != nil, "CAPTURES names no folder of real profiler reports"),
  .serialized)
struct CaptureTests {
  private func isWithin(_ percent: Double?, _ bound: Double) -> Bool {
    percent.map { abs($0) <= bound } ?? true
  }

  /// Every row is in the trace, and its totals are those of the report's own summary.
  @Test(arguments: Captures.files) func importKeepsEverything(path: String) throws {
    let report = try ProfileReport(path: path)
    let file = NSTemporaryDirectory() + UUID().uuidString + ".trntrace"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let contents = try ProfileTrace(report).write(to: file, tool: "test")
    #expect(contents.instructions + contents.descriptors + contents.tableRows == contents.rows)
    let numbers = ProfileMeasures(report).compared(with: report)
    for row in numbers {
      let isExact = ["rows", "flop", "ns"].contains(row.unit)
      let isMain = row.name.hasPrefix("tensor") || row.name.hasPrefix("vector")
      let bound: Double = isExact ? 0 : row.unit == "B" || isMain ? 1 : 3
      #expect(isWithin(row.differencePercent, bound), "\(row)")
    }
    #expect(numbers.count == 71 && numbers.count { $0.stated != nil } >= 68)
    let reader = try TraceReader(path: file)
    let summary = try TraceSummary(reader)
    #expect(summary.stated == numbers)
    // What the report says that the kernel's instructions move, from the descriptors on the tracks.
    guard path.contains("trn2") else { return }
    let own = report.instructions.filter { $0.core == report.mainCore }
    #expect(summary.hbmBytes.read == own.reduce(0) { $0 + $1.bytes.hbmRead })
    #expect(summary.hbmBytes.written == own.reduce(0) { $0 + $1.bytes.hbmWrite })
    #expect(RunCounters(summary).rings.count >= 2)
    // Waits for transfers lead to the engine that carried them out.
    let graph = CauseGraph(try #require(try EventWindow.load(reader)))
    var found = 0
    for track in 0..<TrackID.engineCount {
      for (index, event) in graph.window.events[track].enumerated()
      where event.wait.value > 0 && event.stallCause == .dma {
        let cause = graph.cause(of: EventReference(track: track, index: index))
        found += cause.kind == .dma ? 1 : 0
      }
    }
    #expect(found > 0)
    #expect(summary.from == .zero && CriticalPath(graph).steps.count > 10)
  }

  /// The traces of a replay differ by what replay says, to the picosecond, with every transfer of
  /// the window in both.
  @Test(arguments: Captures.files.filter { $0.contains("trn2-attention") }, [false, true])
  func tracesDifferAsTheReplayDoes(path: String, measured: Bool) throws {
    let replay = try Replay(
      ProfileReport(path: path), on: .trainium2, usesMeasuredTransfers: measured)
    let stem = NSTemporaryDirectory() + UUID().uuidString
    let files = [stem + ".measured.trntrace", stem + ".model.trntrace"]
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    let traces = ReplayTraces(replay, tool: "test")
    try traces.writeMeasured(to: files[0])
    try traces.writeModel(to: files[1])
    #expect(traces.missingTransfers == 0)
    let difference = try TraceDifference(
      base: TraceReader(path: files[0]), new: TraceReader(path: files[1]))
    #expect(difference.change == replay.total.model - replay.total.measured)
    #expect(difference.base.duration.value == replay.total.measured)
    let moved = [difference.base, difference.new].map { $0.dmaEngines.sum(\.bytes) ?? 0 }
    #expect(moved[0] > 0 && moved[0] == moved[1], "\(moved)")
  }

  /// One set of constants for all captures of the attention kernels.
  @Test(arguments: Captures.files.filter { $0.contains("trn2-attention") }, [false, true])
  func replaysMeetTheirBounds(path: String, measured: Bool) throws {
    let report = try ProfileReport(path: path)
    let replay = try Replay(report, on: .trainium2, usesMeasuredTransfers: measured)
    #expect(replay.rebuilt.leftOut.isEmpty && replay.hasBarrier && replay.hasMeasuredPhase)
    #expect(isWithin(replay.total.errorPercent, measured ? 0.3 : 2), "\(replay.total)")
    for engine in Engine.allCases {
      let active = replay.active(engine)
      #expect(isWithin(active.errorPercent, 3), "\(engine.name) \(active)")
    }
    print(
      "CAPTURE", URL(fileURLWithPath: path).lastPathComponent,
      measured ? "measured DMA" : "model's DMA",
      "total", replay.total, replay.total.errorPercent ?? 0)
    // Rows of the array have two lengths, by the limiter's rate: where each is half of them, the
    // median is either. So they are compared rate by rate.
    let isOfArray = { (row: Replay.OpcodeRow) in
      row.engine == .tensor && ["MATMUL", "LDWEIGHTS"].contains(row.opcode)
    }
    let rows = replay.opcodes().filter { !isOfArray($0) } + replay.opcodesByRate()
    for row in rows { #expect(isWithin(row.median.errorPercent, 3), "\(row)") }
    let compared = replay.opcodesByRate().reduce(0) { $0 + $1.count }
    let all = replay.opcodes().filter(isOfArray).reduce(0) { $0 + $1.count }
    #expect(10 * compared >= 8 * all, "\(compared) of \(all) rows ran at one rate on both sides")
  }
}
