import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

/// Differences of runs that were sampled: what the model counted, shared out as samples say.
@Suite struct SampledDifferenceTests {
  private static let rows = [
    ProgramRow(opcode: "MATMUL", engine: .tensor, kernel: "a"),
    ProgramRow(opcode: "MATMUL", engine: .tensor, kernel: "b"),
  ]

  /// A run of 10,000 ps that was busy for so long, of which samples see a bit more.
  private func sampled(_ path: String, busy: Int64, second: Int) throws {
    var writer = try TraceWriter(
      path: path, metadata: TraceMetadata(["sample_interval_ps": "100", "workload": "w"]))
    _ = try writer.append(program: Self.rows)
    let samples = (0..<100).map {
      TraceSample(
        time: Picoseconds(Int64($0) * 100), state: $0 < 60 ? .busy : .idle,
        programCounter: $0 < second ? 1 : 0)
    }
    try writer.append(track: .tensor, samples: samples)
    var counted = TrackTotals(track: .tensor)
    (counted.busy, counted.events) = (busy, 10)
    try writer.finish(totals: RunTotals(end: 10_000, tracks: [counted]))
  }

  private func difference(_ base: String, _ new: String) throws -> TraceDifference {
    try TraceDifference(base: TraceReader(path: base), new: TraceReader(path: new))
  }

  @Test func noTimeIsNegativeAndEnginesAddUp() throws {
    let (first, second) = (TemporaryTrace(), TemporaryTrace())
    try sampled(first.path, busy: 5_700, second: 20)
    try sampled(second.path, busy: 5_800, second: 50)
    let difference = try difference(first.path, second.path)
    #expect(difference.path == nil)
    #expect(difference.engines.allSatisfy { $0.base >= 0 && $0.new >= 0 })
    for engine in ["tensor", "vector", "scalar", "gpsimd", "sync"] {
      let own = difference.engines.filter { $0.engine == engine }
      #expect(own.reduce(0) { $0 + $1.base } == 10_000, "\(engine)")
      #expect(own.reduce(0) { $0 + $1.new } == 10_000, "\(engine)")
    }
    let busy = difference.engines.filter { $0.engine == "tensor" && $0.cause == "busy" }
    #expect(Set(busy.map(\.kernel)) == ["a", "b"])
    #expect(busy.reduce(0) { $0 + $1.new } == 5_800)
    let own = try #require(busy.first { $0.kernel == "b" })
    #expect(abs(own.base - 1_900) <= 1)
    // The kernels' shares moved by more than samples may be off by, the whole did not.
    #expect((2_000..<3_000).contains(difference.uncertainty), "\(difference.uncertainty)")
    #expect(difference.certainEngines.allSatisfy { $0.kernel == "a" || $0.kernel == "b" })
    #expect(difference.certainEngines.count == 2)
    #expect(difference.notes.first?.hasPrefix("Both runs were sampled") == true)
  }

  @Test func eventsBesideSamplesAreSaid() throws {
    let (first, second) = (TemporaryTrace(), TemporaryTrace())
    try sampled(first.path, busy: 6_000, second: 20)
    var writer = try TraceWriter(path: second.path, metadata: TraceMetadata(["workload": "w"]))
    _ = try writer.append(program: Self.rows)
    try writer.append(
      track: .tensor,
      events: [TraceEvent(start: .zero, duration: Picoseconds(6_000), programCounter: 0)])
    try writer.finish(totals: RunTotals(end: 10_000))
    let mixed = try difference(first.path, second.path)
    #expect(mixed.notes.first?.contains("base run was sampled, the other one") == true)
    #expect(try difference(second.path, second.path).notes.isEmpty)
    #expect(try difference(second.path, second.path).uncertainty == 0)
    let document = DifferenceDocument(mixed)
    #expect(document.uncertaintyPs == mixed.uncertainty && document.notes == mixed.notes)
  }
}
