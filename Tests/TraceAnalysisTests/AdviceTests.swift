import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

@Suite struct AdviceTests {
  private func summary(
    _ rows: [ProgramRow], _ events: [(TrackID, [TraceEvent])], throttled: Int64? = nil
  ) throws -> TraceSummary {
    let trace = TemporaryTrace()
    var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata())
    _ = try writer.append(program: rows)
    for (track, list) in events { try writer.append(track: track, events: list) }
    let end = events.flatMap(\.1).map(\.end.value).max() ?? 0
    try writer.finish(totals: throttled.map { RunTotals(end: end, throttled: $0) })
    return try TraceSummary(TraceReader(path: trace.path), followsPath: true)
  }

  private func event(
    _ row: Int, _ start: Int64, _ duration: Int64, wait: Int64 = 0, _ cause: StallCause = .none
  ) -> TraceEvent {
    TraceEvent(
      start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(wait),
      stallCause: cause, programCounter: UInt32(row))
  }

  private func row(
    _ opcode: String, _ engine: TrackID, _ line: UInt32, flops: Int64 = 0,
    wait: ProgramWait = .none, update: ProgramUpdate = .none, ring: UInt8? = nil
  ) -> ProgramRow {
    ProgramRow(
      opcode: opcode, engine: engine, kernel: "k", sourceFile: "Kernel.swift", sourceLine: line,
      bytes: ring == nil ? 0 : 65_536, flops: flops, wait: wait, update: update, ring: ring)
  }

  /// Transfers of one statement, each of which starts long after it was asked for.
  @Test func instructionsOfOneStatementAreOneAdviceAndNobodyBlamesItself() throws {
    let rows = (0..<6).map { (index: Int) -> ProgramRow in
      let wait = index == 0 ? ProgramWait.none : ProgramWait(5, .atLeast, UInt32(index))
      return row(
        "DMA_DIRECT2D", .sync, 100, wait: wait, update: ProgramUpdate(5, .add, 1), ring: 0)
    }
    let triggers = (0..<6).map {
      event($0, Int64($0) * 2_000, 50, wait: $0 == 0 ? 0 : 1_950, .dma)
    }
    let transfers = (0..<6).map { event($0, Int64($0) * 2_000 + 1_550, 450) }
    let whole = try summary(rows, [(.sync, triggers), (.dma(0), transfers)])
    let messages = whole.advice.map(\.message)
    #expect(Set(messages).count == messages.count)
    let starts = whole.advice.filter { $0.rule == "dma_start" }
    #expect(starts.map(\.gainPs) == [6 * 1_500])
    #expect(starts.first?.message.contains("(Kernel.swift:100, 6 instructions)") == true)
    #expect(messages.allSatisfy { !$0.contains("on sync") || !$0.contains("time for sync") })
    let places = whole.advice.map { "\($0.rule) \($0.source)" }
    #expect(Set(places).count == places.count)
  }

  @Test func theLimiterIsNamedByWhatTheRunCounted() throws {
    let rows = [row("MATMUL", .tensor, 7, flops: 100)]
    let events = [(TrackID.tensor, [event(0, 0, 10_000)])]
    #expect(try summary(rows, events).advice.isEmpty)
    let advice = try summary(rows, events, throttled: 1_100).advice
    #expect(advice.map(\.rule) == ["limiter"])
    #expect(advice.first?.gainPs == 1_100)
    #expect(advice.first?.message.contains("tensor") == true)
  }

  /// Vector copies all products out of PSUM while scalar asks for transfers: that is one engine too
  /// few, and transfers are no copies.
  @Test(arguments: [true, false]) func evacuationIsAboutCopiesOfProducts(copies: Bool) throws {
    let product = ProgramUpdate(9, .add, 1)
    let rows = [
      row("MATMUL", .tensor, 1, flops: 100, update: product),
      row(
        copies ? "CAST" : "TENSOR_REDUCE", .vector, 2, wait: ProgramWait(9, .atLeast, 1)),
      row("DMA_DIRECT2D", .scalar, 3, update: ProgramUpdate(5, .add, 1), ring: 0),
    ]
    let whole = try summary(
      rows,
      [
        (.tensor, [event(0, 0, 100)]),
        (.vector, [event(1, 100, 5_000, wait: 100, .semaphore)]),
        (.scalar, [event(2, 0, 2_000)]), (.dma(0), [event(2, 2_100, 500)]),
      ])
    let found = whole.advice.filter { $0.rule == "unbalanced_evacuation" }
    #expect(found.count == (copies ? 1 : 0))
    guard copies else { return }
    #expect(found[0].source == "Kernel.swift:2" && found[0].gainPs == 1_500)
    #expect(found[0].message.contains("PSUM") && !found[0].message.contains("DMA"))
  }

  @Test func adviceThatIsNotShownIsCounted() throws {
    let rows = (0..<8).map { (index: Int) -> ProgramRow in
      let number = UInt16(index)
      let wait = index == 0 ? ProgramWait.none : ProgramWait(number, .atLeast, 1)
      return row(
        "TENSOR_COPY", index % 2 == 0 ? .vector : .scalar, UInt32(index), wait: wait,
        update: ProgramUpdate(number + 1, .add, 1))
    }
    var tracks: [[TraceEvent]] = [[], []]
    var ends: [Int64] = [0, 0]
    for index in 0..<8 {
      let start = Int64(index) * 200
      let wait = start - ends[index % 2]
      tracks[index % 2].append(event(index, start, 100, wait: wait, .semaphore))
      ends[index % 2] = start + 100
    }
    let whole = try summary(rows, [(.vector, tracks[0]), (.scalar, tracks[1])])
    #expect(whole.advice.count == 7)
    #expect(whole.advice.allSatisfy { $0.message.contains("the longest time for") })
    let lines = SummaryText(width: 80).lines(whole)
    #expect(lines.contains { $0.contains("and 3 more") })
    #expect(lines.allSatisfy { $0.count <= 80 })
  }
}
