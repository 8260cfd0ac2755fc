import Foundation
import Testing
import TraceFile
import Units

@Suite struct RoundTripTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [0, 1, 2, 65_535, 65_536, 65_537, 140_000])
  func loopsOfEverySmallSize(count: Int) throws {
    let path = folder.file("loop.trntrace")
    let events = Events.loop(count: count)
    try writeTrace(path, events: [(.vector, events)])
    let (read, damage) = try readAll(path, .vector)
    #expect(read == events)
    #expect(damage.isEmpty)
    let reader = try TraceReader(path: path)
    #expect(try reader.verify().isEmpty)
    #expect(reader.blockCount == (count + 65_535) / 65_536)
    #expect(reader.summary.tracks[1].events == Int64(count))
    #expect(reader.summary.state == .complete)
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func wildValues(seed: UInt64) throws {
    let path = folder.file("wild.trntrace")
    let events = Events.wild(count: 20_000, seed: seed)
    try writeTrace(path, events: [(.dma(15), events), (.tensor, Array(events.reversed()))])
    #expect(try readAll(path, .dma(15)).0 == events)
    #expect(try readAll(path, .tensor).0 == events.reversed())
    #expect(try TraceReader(path: path).verify().isEmpty)
  }

  @Test func limitsOfEveryField() throws {
    let path = folder.file("limits.trntrace")
    let limit = TraceEvent.limit
    let all = TraceEvent(
      start: Picoseconds(limit), duration: Picoseconds(limit), wait: Picoseconds(limit),
      stallCause: .control, detail: .max, programCounter: .max, flags: .max)
    let none = TraceEvent(start: Picoseconds(-limit), duration: .zero, programCounter: 0)
    let events = [all, none, all, all, none, none, all]
    try writeTrace(path, events: [(.sync, events)])
    #expect(try readAll(path, .sync).0 == events)
  }

  @Test func programRows() throws {
    let path = folder.file("rows.trntrace")
    let rows = Events.rows(70_000)
    var writer = try TraceWriter(path: path, metadata: TraceMetadata(["seed": "0", "ä": "\"\n"]))
    #expect(try writer.append(program: Array(rows[..<10])) == 0)
    #expect(try writer.append(program: []) == 10)
    #expect(try writer.append(program: Array(rows[10...])) == 10)
    try writer.finish()
    let reader = try TraceReader(path: path)
    #expect(reader.program.count == rows.count)
    #expect(rows.indices.allSatisfy { reader.program[UInt32($0)] == rows[$0] })
    #expect(reader.program[UInt32(rows.count)] == nil)
    #expect(reader.metadata == TraceMetadata(["seed": "0", "ä": "\"\n"]))
    #expect(reader.version == .current)
  }

  @Test(arguments: [0, 1, 2, 3, 1_024, 65_535, 65_536, 65_537])
  func samplesOfEverySmallSize(count: Int) throws {
    let path = folder.file("samples.trntrace")
    var random = SplitMix64(seed: 3)
    var state = TrackState.idle
    var row: UInt32 = 0
    var time: Int64 = 0
    let samples = (0..<count).map { _ in
      if Int.random(in: 0..<10, using: &random) == 0 {
        state = [.idle, .busy, .stalled(.semaphore), .stalled(.control)].randomElement()!
        row = UInt32.random(in: 0...(.max), using: &random)
      }
      // Mostly regular, now and then another step.
      time += Int.random(in: 0..<200, using: &random) == 0 ? 1_500_000 : 1_000_000
      return TraceSample(time: Picoseconds(time), state: state, programCounter: row)
    }
    try writeTrace(path, samples: [(.gpsimd, samples)])
    let reader = try TraceReader(path: path)
    var read: [TraceSample] = []
    let damage = try reader.readSamples(track: .gpsimd) { read += $0 }
    #expect(read == samples)
    #expect(damage.isEmpty)
    #expect(try reader.verify().isEmpty)
    #expect(reader.summary.end == time)
  }

  @Test func sameInputGivesSameBytesHoweverItIsHandedOver() throws {
    let events = Events.loop(count: 150_000)
    let (first, second) = (folder.file("a.trntrace"), folder.file("b.trntrace"))
    let rows = Events.rows(48)
    try writeTrace(first, rows: rows, events: [(.tensor, events)], part: 16_384)
    try writeTrace(second, rows: rows, events: [(.tensor, events)], part: 777)
    #expect(try bytes(of: first) == bytes(of: second))
    let other = Events.loop(count: 150_000, seed: 2)
    try writeTrace(second, rows: rows, events: [(.tensor, other)])
    #expect(try bytes(of: first) != bytes(of: second))
  }

  /// The first wait of a row is what its gap exceeds the overhead of the wait before it by.
  @Test func firstWaitsOfRowsCostNoMoreThanTheirGaps() throws {
    let path = folder.file("first.trntrace")
    var time: Int64 = 0
    let events = Events.wild(count: 4_000, seed: 5).enumerated().map { row, wild -> TraceEvent in
      let wait = Int64(wild.programCounter % 1_000_000) + 1
      defer { time += wait + 37 + 500 }
      return TraceEvent(
        start: Picoseconds(time + wait + 37), duration: Picoseconds(500),
        wait: Picoseconds(wait), stallCause: .dma, programCounter: UInt32(row))
    }
    try writeTrace(path, events: [(.vector, events)])
    let (read, damage) = try readAll(path, .vector)
    #expect(read == events && damage.isEmpty)
    // Twenty bits of each gap are chance; as many of each wait would make five bytes.
    let size = try bytes(of: path).count
    #expect(size < 4_000 * 4, "\(size)")
  }

  @Test func rangesReadOnlyTheBlocksTheyTouch() throws {
    let path = folder.file("range.trntrace")
    let events = Events.loop(count: 300_000)
    try writeTrace(path, events: [(.scalar, events)])
    let reader = try TraceReader(path: path)
    let from = events[70_000].start
    let to = events[70_100].start
    var batches = 0
    var read: [TraceEvent] = []
    _ = try reader.readEvents(track: .scalar, from: from, to: to) {
      batches += 1
      read += $0
    }
    #expect(batches == 1)
    #expect(read == Array(events[65_536..<131_072]))
  }

  @Test func totalsOfBlocksAddUpAcrossBorders() throws {
    let path = folder.file("totals.trntrace")
    let events = Events.loop(count: 100_000)
    try writeTrace(path, rows: Events.rows(48), events: [(.dma(0), events)])
    let summary = try TraceReader(path: path).summary
    let totals = summary.tracks[5]
    #expect(totals.busy == events.reduce(0) { $0 + $1.duration.value })
    #expect(totals.stall.reduce(0, +) == events.reduce(0) { $0 + $1.wait.value })
    #expect(totals.bytes == events.reduce(0) { $0 + Int64($1.programCounter) * 512 })
    #expect(summary.end == events.last?.end.value)
  }

  @Test func overlappingRecordsAreCountedOnce() throws {
    let path = folder.file("overlap.trntrace")
    func event(_ start: Int64, _ duration: Int64, wait: Int64 = 0) -> TraceEvent {
      TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(wait),
        stallCause: .dma, programCounter: 0)
    }
    let events = [event(10, 50), event(20, 10), event(40, 40, wait: 30), event(100, 5, wait: 50)]
    try writeTrace(path, events: [(.tensor, events)])
    let totals = try TraceReader(path: path).summary.tracks[0]
    #expect(totals.busy == 70 + 5)
    #expect(totals.stall[Int(StallCause.dma.rawValue)] == 20)
  }
}
