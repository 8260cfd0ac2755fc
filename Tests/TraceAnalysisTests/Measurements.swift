import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

/// The time of a summary: small in the gate, 21 tracks of a million events when TRNBENCH_MEASURE is
/// set. Only sums are asserted; seconds are printed.
@Suite(.serialized) struct Measurements {
  private static let isMeasuring = ProcessInfo.processInfo.environment["TRNBENCH_MEASURE"] != nil
  private static let count = isMeasuring ? 1_000_000 : 5_000

  @Test func summaryOfAllTracks() throws {
    let path = NSTemporaryDirectory() + "summary-\(UUID().uuidString).trntrace"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rows = (0..<480).map { index in
      ProgramRow(
        opcode: "OPCODE\(index % 12)", engine: .tensor, kernel: "kernel\(index / 50)", bytes: 512)
    }
    let events = (0..<Self.count).map { index in
      TraceEvent(
        start: Picoseconds(Int64(index) * 1_000), duration: Picoseconds(600),
        wait: Picoseconds(250),
        stallCause: .dma, programCounter: UInt32(index % 480))
    }
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    _ = try writer.append(program: rows)
    for track in TrackID.all { try writer.append(track: track, events: events) }
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
    guard Self.isMeasuring else { return }
    print("\(21 * Self.count) events: open \(opening), summary \(taken)")
  }
}
