import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

/// The time of a summary and of a viewer's pictures: small in the gate, 21 million events or as
/// many as TRNBENCH_MEASURE_EVENTS says when TRNBENCH_MEASURE is set. Only sums are asserted;
/// seconds are printed, and the trace is kept where TRNBENCH_MEASURE_FILE says.
@Suite(.serialized) struct Measurements {
  private static let variables = ProcessInfo.processInfo.environment
  private static let isMeasuring = variables["TRNBENCH_MEASURE"] != nil
  /// Events of each of the 21 tracks.
  private static let count =
    isMeasuring
    ? (variables["TRNBENCH_MEASURE_EVENTS"].flatMap { Int($0) } ?? 21_000_000) / 21 : 70_000

  @Test func summaryOfAllTracks() throws {
    let kept = Self.variables["TRNBENCH_MEASURE_FILE"]
    let path = kept ?? NSTemporaryDirectory() + "summary-\(UUID().uuidString).trntrace"
    defer { if kept == nil { try? FileManager.default.removeItem(atPath: path) } }
    let rows = (0..<480).map { index in
      ProgramRow(
        opcode: "OPCODE\(index % 12)", engine: .tensor, kernel: "kernel\(index / 50)", bytes: 512)
    }
    let events = (0..<Self.count).map { (index: Int) -> TraceEvent in
      // By chance, so that no stretch of records repeats another one.
      let chance = Int64(UInt64(index) &* 0x9E37_79B9_7F4A_7C15 >> 58)
      return TraceEvent(
        start: Picoseconds(Int64(index + 1) * 1_000), duration: Picoseconds(600),
        wait: Picoseconds(200 + chance),
        stallCause: .dma, programCounter: UInt32(index % 480))
    }
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    _ = try writer.append(program: rows)
    for track in TrackID.engines { try writer.append(track: track, events: events) }
    try writer.append(transfers: events.map { TraceTransfer($0, engines: 0xFFFF) })
    try writer.finish()
    let clock = ContinuousClock()
    let opening = try clock.measure { _ = try TraceReader(path: path).summary }
    let reader = try TraceReader(path: path)
    let start = clock.now
    let summary = try TraceSummary(reader, cells: 80)
    let lines = SummaryText().lines(summary)
    let taken = clock.now - start
    let count = Int64(Self.count)
    #expect(lines.count > 10)
    #expect(summary.engines.allSatisfy { $0.busy == 600 * count && $0.records == count })
    #expect(summary.dmaEngines.allSatisfy { $0.bytes == 512 * count })
    #expect(summary.strips.allSatisfy { $0.busy.reduce(0, +) == 600 * count })
    #expect(summary.groups(by: .kernel).reduce(0) { $0 + $1.busy } == 5 * 600 * count)
    // The same numbers when every record is read again.
    let again = clock.now
    let recount = try TraceSummary(reader, from: .zero, cells: 80)
    let counting = clock.now - again
    #expect(recount.engines == summary.engines)
    #expect(recount.dmaEngines == summary.dmaEngines)
    for grouping in [SummaryGrouping.kernel, .opcode, .layer] {
      #expect(recount.groups(by: grouping) == summary.groups(by: grouping))
    }
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64 ?? 0
    let (first, zooms) = try pictures(path)
    let cutPath = path + ".cut"
    defer { try? FileManager.default.removeItem(atPath: cutPath) }
    try FileManager.default.copyItem(atPath: path, toPath: cutPath)
    let cut = try clock.measure { try Self.checkCut(cutPath, size, count) }
    guard Self.isMeasuring else { return }
    print("  \(21 * Self.count) events, \(size) bytes: open \(opening), from the footer \(taken),")
    print("  totals without a footer \(cut), recount \(counting)")
    print("  viewer: first picture \(first), zoom and pan: \(zooms.max() ?? .zero) at most,")
    print("  \(zooms.sorted()[zooms.count / 2]) in the median of \(zooms.count)")
  }

  /// How long a viewer takes for its first picture, and for others at every zoom.
  private func pictures(_ path: String) throws -> (first: Duration, others: [Duration]) {
    let clock = ContinuousClock()
    let start = clock.now
    let source = try TimelineSource(TraceReader(path: path))
    _ = try source.bins(from: source.from, to: source.to, count: 100)
    let first = clock.now - start
    var others: [Duration] = []
    var length = source.to - source.from
    while length > 20_000 {
      for place in [1, 2, 3] as [Int64] {
        let from = source.from + (source.to - source.from - length) / 4 * place
        let taken = try clock.measure {
          let bins = try source.bins(from: from, to: from + length, count: 100)
          #expect(bins[0].busy.reduce(0, +) > 0)
          // What the lower part of the screen says of the record under the cursor.
          _ = try source.graph(at: from + length / 2, on: .tensor, from: from, to: from + length)
        }
        others.append(taken)
      }
      length /= 3
    }
    return (first, others)
  }

  /// Without its last bytes the file still opens and its totals are those of the blocks.
  private static func checkCut(_ path: String, _ size: Int64, _ count: Int64) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: UInt64(size - 30))
    let totals = try TraceReader(path: path).summary
    #expect(totals.tracks.allSatisfy { $0.busy == 600 * count && $0.events == count })
  }
}
