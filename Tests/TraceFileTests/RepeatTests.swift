import Foundation
import Testing
import TraceFile
import Units

/// Stretches of records that repeat earlier ones are stored as such and read as they were.
@Suite struct RepeatTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Rounds of a loop body whose rows lie `step` further on in each round; every `spoiled`-th
  /// record is longer by its own amount.
  private func rounds(
    _ count: Int, body: Int, step: UInt32, spoiled: Int = .max, firstRow: UInt32 = 0
  ) -> [TraceEvent] {
    var time: Int64 = 0
    return (0..<count * body).map { index in
      let (round, place) = (index / body, index % body)
      let wait: Int64 = place % 3 == 0 ? 700 + Int64(place) : 0
      let longer = (index + 1) % spoiled == 0 ? Int64(index) * 31 : 0
      let start = time + Int64(place % 7) * 10 + wait
      let duration = 1_000 + Int64(place) * 13 + longer
      time = start + duration
      return TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(wait),
        stallCause: wait > 0 ? .semaphore : .none, detail: UInt16(place % 5),
        programCounter: firstRow &+ UInt32(round) &* step &+ UInt32(place),
        flags: UInt8(place % 2))
    }
  }

  private func check(_ events: [TraceEvent], _ track: TrackID = .tensor) throws -> Int {
    let path = folder.file("repeat.trntrace")
    try writeTrace(path, events: [(track, events)])
    let (read, damage) = try readAll(path, track)
    #expect(read == events && damage.isEmpty)
    #expect(try TraceReader(path: path).verify().isEmpty)
    return try bytes(of: path).count
  }

  @Test(arguments: [1, 2, 11, 12, 13, 100, 480], [0, 1, 1_000] as [UInt32])
  func loopsAndUnrolledLoops(body: Int, step: UInt32) throws {
    let count = 70_000 / body
    let few = try check(rounds(2, body: body, step: step))
    let many = try check(rounds(count, body: body, step: step))
    // Footer and bins grow with the run; the records themselves add next to nothing.
    #expect(many < few + 40_000, "\(few) \(many)")
  }

  @Test(arguments: [12, 13, 25, 97, 1_001])
  func stretchesOfAllLengthsBetweenOthers(spoiled: Int) throws {
    _ = try check(rounds(40, body: 100, step: 100, spoiled: spoiled))
    _ = try check(rounds(40, body: 100, step: 0, spoiled: spoiled), .dma(3))
  }

  /// Rows that pass the largest number go on from 0, and rows that fall from round to round.
  @Test func rowsBeyondTheirEnds() throws {
    _ = try check(rounds(50, body: 20, step: 20, firstRow: .max - 500))
    _ = try check(rounds(50, body: 20, step: 0 &- 20, firstRow: 4_000))
    // What differs above the row is no repeat, though the sum of both differences is the same.
    var events = rounds(3, body: 20, step: 0, firstRow: 7)
    for index in 20..<40 {
      events[index].programCounter = 7 &+ UInt32(index % 20) &- 9
      events[index].detail = events[index].detail &+ 1
    }
    _ = try check(events)
  }

  /// Repeats of transfers keep who takes part in each.
  @Test func transfersKeepTheirEngines() throws {
    let path = folder.file("transfers.trntrace")
    let transfers = rounds(200, body: 30, step: 30).enumerated().map { index, event in
      TraceTransfer(event, engines: index % 50 == 0 ? 0x0F0F : 0xFFFF)
    }
    let skews = TransferSkews((0..<16).map { Int64($0) * 50 })
    var writer = try TraceWriter(path: path, metadata: TraceMetadata(), skews: skews)
    try writer.append(transfers: transfers)
    try writer.finish()
    for engine in [0, 5, 15] {
      let expected = transfers.filter { $0.includes(engine) }.map { transfer -> TraceEvent in
        var record = transfer.record
        record.start = Picoseconds(record.start.value + Int64(engine) * 50)
        return record
      }
      let (read, damage) = try readAll(path, .dma(engine))
      #expect(read == expected && damage.isEmpty)
    }
  }

  /// A block whose stretches do not fit its records is refused, whatever its checksums say.
  @Test func stretchesThatDoNotFitAreRefused() throws {
    let path = folder.file("bad.trntrace")
    let events = rounds(10, body: 20, step: 20)
    try writeTrace(path, events: [(.tensor, events)])
    let sound = try bytes(of: path)
    var (start, sizes) = (28, [Int]())
    while sound[start + 28] != 3 {
      sizes.append(172 + ZstdFrames.number(sound, start + 56))
      start += sizes.last!
    }
    let header = Array(sound[start..<start + 172])
    let frame = sound[start + 172..<start + 172 + ZstdFrames.number(header, 56)]
    let raw = ZstdFrames.decoded(Array(frame), size: ZstdFrames.number(header, 60))
    // The last column: 21 others (the first record's row follows no other), 20 back, 179 records,
    // rows 20 further on.
    #expect(Array(raw.suffix(13)) == [15, 1, 0, 0, 5, 0, 0, 0, 21, 20, 179, 1, 40])
    for values: [UInt8] in [
      [21, 20, 179, 1, 40], [21, 0, 179, 1, 40], [21, 22, 179, 1, 40], [21, 20, 180, 1, 40],
      [21, 20, 178, 1, 40], [22, 20, 178, 1, 40], [21, 20, 179, 129, 40], [21, 20, 0, 40, 1],
    ] {
      let block = ZstdFrames.block(header: header, content: raw.dropLast(5) + values)
      try Data(sound[..<start] + block).write(to: URL(fileURLWithPath: path))
      let (read, damage) = try readAll(path, .tensor)
      let isSound = values == [21, 20, 179, 1, 40]
      #expect(read == (isSound ? events : []), "\(values)")
      #expect(damage.contains { $0.kind == .badBlock } != isSound, "\(values)")
    }
  }
}
