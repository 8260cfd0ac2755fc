import Testing
import TraceAnalysis
import TraceFile
import Units

/// Paths that are followed stretch by stretch, and windows from the middle, against those that hold
/// the whole run.
@Suite struct LongPathTests {
  private func write(_ machine: SmallMachine) throws -> TemporaryTrace {
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    return trace
  }

  /// Stretches of a few records: who let a record go is often in the one before, and an engine that
  /// is first in a window has to be looked for further back.
  @Test(arguments: [1, 2, 3] as [UInt64], [20, 60, 300])
  func stretchesGiveTheSamePath(seed: UInt64, limit: Int) throws {
    let trace = try write(SmallMachine(rounds: 150, seed: seed, hasBarrier: seed == 2))
    let reader = try TraceReader(path: trace.path)
    let whole = try #require(try TraceSummary(reader, followsPath: true).path)
    let summary = try TraceSummary(
      reader, followsPath: true, followsLongPath: true, pathLimit: limit)
    let long = try #require(summary.path)
    #expect(long.parts == whole.parts)
    #expect(long.parts.values.reduce(0, +) == summary.duration.value)
    #expect(long.rows.mapValues(\.time) == whole.rows.mapValues(\.time))
    #expect(summary.skippedRecords == nil && summary.notes.isEmpty)
    let without = try TraceSummary(reader, followsPath: true, pathLimit: limit)
    #expect(without.path == nil && without.notes.first?.contains("--path") == true)
  }

  /// A window from the middle knows the semaphores, and finds the same causes as the whole run.
  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func aWindowKnowsWhatCameBefore(seed: UInt64) throws {
    let machine = SmallMachine(rounds: 60, seed: seed)
    let trace = try write(machine)
    let reader = try TraceReader(path: trace.path)
    let whole = CauseGraph(try #require(try EventWindow.load(reader)))
    for round in [7, 20, 41, 59] {
      let product = whole.window.events[0][round]
      let part = CauseGraph(
        try EventWindow.load(reader, before: product.end.value, limit: 25))
      #expect(part.window.count < 60)
      let last = try #require(part.window.events[0].lastIndex(of: product))
      let cause = part.cause(of: EventReference(track: 0, index: last))
      let expected = whole.cause(of: EventReference(track: 0, index: round))
      #expect(cause.kind == expected.kind)
      #expect(cause.source.map { part.window[$0] } == expected.source.map { whole.window[$0] })
    }
  }

  /// A semaphore that is never cleared is known by its count alone.
  @Test func countsCarryOverWithoutWrites() throws {
    let rows = [
      ProgramRow(opcode: "A", engine: .tensor, kernel: "k", update: ProgramUpdate(3, .add, 2)),
      ProgramRow(opcode: "B", engine: .vector, kernel: "k", wait: ProgramWait(3, .atLeast, 16)),
    ]
    let trace = TemporaryTrace()
    var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata())
    _ = try writer.append(program: rows)
    func event(_ row: UInt32, _ start: Int64, wait: Int64 = 0) -> TraceEvent {
      TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(60), wait: Picoseconds(wait),
        stallCause: wait > 0 ? .semaphore : .none, programCounter: row)
    }
    try writer.append(track: .tensor, events: (0..<10).map { event(0, 100 * $0) })
    try writer.append(track: .vector, events: [event(1, 780, wait: 780)])
    try writer.finish()
    let reader = try TraceReader(path: trace.path)
    let graph = CauseGraph(try EventWindow.load(reader, before: 840, limit: 4))
    #expect(graph.window.events[0].count < 6 && !graph.window.isFromBeginning)
    let cause = graph.cause(of: EventReference(track: 1, index: 0))
    // The eighth addition makes sixteen.
    #expect(cause.source.map { graph.window[$0].start } == Picoseconds(700))
  }

  /// The next record that is looked for, of whatever track, also where no window holds it.
  @Test func searchesFindTheNextRecord() throws {
    let machine = SmallMachine(rounds: 60, seed: 3)
    let trace = try write(machine)
    let source = try TimelineSource(try TraceReader(path: trace.path), recordLimit: 10)
    for row in 0..<4 as Range<UInt32> {
      for time in stride(from: Int64(-1), to: source.to, by: 7_001) {
        let found = try source.firstRecord(after: time) { event, _ in event.programCounter == row }
        let expected = machine.events.joined().filter {
          $0.programCounter == row && $0.start.value > time
        }.map(\.start.value).min()
        #expect(found?.event.start.value == expected)
      }
    }
  }
}
