import Foundation
import Testing
import TraceFile
import Units

/// What version 1.1 added: order in the program, the program itself, bins and totals of rows.
@Suite struct FooterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let rows = (0..<300).map(row)

  private static func row(_ index: Int) -> ProgramRow {
    var row = ProgramRow(opcode: "OP\(index % 7)", engine: TrackID.all[index % 5])
    row.bytes = Int64(index % 3) * 64
    row.flops = Int64(index) * 10
    row.transposeFlops = index % 4 == 0 ? row.flops : 0
    row.hbmReadBytes = Int64(index % 3)
    row.hbmWriteBytes = Int64(index % 2) * 60
    let condition = ProgramWait.Condition(rawValue: UInt8(index % 3)) ?? .none
    row.wait = ProgramWait(UInt16(index), condition, UInt32(index) << 20)
    let operation = ProgramUpdate.Operation(rawValue: UInt8(index % 5)) ?? .none
    row.update = ProgramUpdate(UInt16(300 - index), operation, UInt32(index))
    row.ring = index % 6 == 0 ? UInt8(index % 256) : nil
    return row
  }

  @Test func theOrderInTheProgramComesBack() throws {
    let path = folder.file("order.trntrace")
    try writeTrace(path, rows: Self.rows)
    let reader = try TraceReader(path: path)
    #expect(Self.rows.indices.allSatisfy { reader.program[UInt32($0)] == Self.rows[$0] })
    #expect(reader.version == FormatVersion(major: 1, minor: 6))
  }

  @Test func theProgramItselfComesBack() throws {
    let path = folder.file("binary.trntrace")
    let program = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 5) }
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    try writer.append(ProgramBlocks(binary: program))
    try writer.append(track: .tensor, events: Events.loop(count: 10))
    try writer.finish()
    let reader = try TraceReader(path: path)
    #expect(try reader.programBinary() == program)
    #expect(try reader.verify().isEmpty)
    try writeTrace(path, events: [(.tensor, Events.loop(count: 10))])
    #expect(try TraceReader(path: path).programBinary() == nil)
  }

  // MARK: Bins and totals of rows

  /// Overlaps, waits, rows without a name, an end far out, on engines and DMA engines.
  private func longEvents(_ count: Int, seed: UInt64) -> [TraceEvent] {
    var random = SplitMix64(seed: seed)
    var time: Int64 = 0
    return (0..<count).map { _ in
      time += Int64.random(in: 0...2_000, using: &random)
      var event = TraceEvent(
        start: Picoseconds(time),
        duration: Picoseconds(Int64.random(in: 0...3_000, using: &random)),
        wait: Picoseconds(Int64.random(in: 0...4, using: &random) == 0 ? 900 : 0),
        programCounter: UInt32.random(in: 0..<310, using: &random))
      event.stallCauseCode = UInt8.random(in: 0..<8, using: &random)
      return event
    }
  }

  private func longTrace(_ path: String) throws -> [(TrackID, [TraceEvent])] {
    let tracks = [
      (TrackID.tensor, longEvents(150_000, seed: 1)), (.vector, longEvents(400, seed: 2)),
      (.dma(3), longEvents(66_000, seed: 3)),
    ]
    try writeTrace(path, rows: Self.rows, events: tracks)
    return tracks
  }

  @Test func binsAndTotalsAreWhatARecountGives() throws {
    let path = folder.file("long.trntrace")
    let tracks = try longTrace(path)
    let reader = try TraceReader(path: path)
    let rows = try #require(try reader.rowTotals())
    var expected = RowTotals(rowCount: Self.rows.count)
    for (track, events) in tracks {
      let levels = try #require(try reader.levels(track))
      var cursor = TimelineCursor()
      var (busy, stalled) = ([Int64](repeating: 0, count: levels.count), Int64(0))
      for event in events {
        let place = cursor.place(event)
        if event.programCounter == 7 {
          for time in place.busyStart..<place.busyEnd { busy[Int(time >> levels.shift)] += 1 }
        }
        let stall = event.wait.value > 0 ? place.busyStart - place.stallStart : 0
        stalled += stall
        expected.update(event.programCounter) { row in
          if track.isDMA {
            row.transfers += 1
            row.dmaBusy += place.busyEnd - place.busyStart
          } else {
            row.instructions += 1
            row.busy += place.busyEnd - place.busyStart
            row.stall[Int(event.stallCauseCode)] += stall
          }
        }
      }
      let bins = (0..<levels.count)
      let totals = reader.summary.tracks[Int(track.rawValue)]
      #expect(bins.reduce(0) { $0 + levels.busy($1) } == totals.busy)
      #expect(bins.allSatisfy { levels.busy($0) >= busy[$0] })
      #expect(bins.allSatisfy { levels.busy($0) <= levels.binPicoseconds })
      let stalls = StallCause.allCases.map { cause in
        bins.reduce(0) { $0 + levels.stalled($1, cause) }
      }
      #expect(stalls == totals.stall)
      #expect(stalls.reduce(0, +) == stalled)
      let amount = bins.reduce(0) { $0 + levels.amount($1) }
      let each = Self.rows.map { track.isDMA ? $0.bytes : $0.flops }
      #expect(
        amount
          == events.reduce(0) {
            $0 + (Int($1.programCounter) < 300 ? each[Int($1.programCounter)] : 0)
          })
    }
    #expect(rows == expected)
    #expect(try reader.verify().isEmpty)
    #expect(try reader.levels(.scalar) == nil)
  }

  @Test func binsOfAllTracksAreEquallyLong() throws {
    let path = folder.file("long.trntrace")
    _ = try longTrace(path)
    let reader = try TraceReader(path: path)
    let shifts = try [TrackID.tensor, .vector, .dma(3)].map { try reader.levels($0)?.shift }
    #expect(Set(shifts).count == 1)
  }

  @Test func shortTracesHaveNeither() throws {
    let path = folder.file("short.trntrace")
    try writeTrace(path, rows: Self.rows, events: [(.tensor, longEvents(65_535, seed: 4))])
    let reader = try TraceReader(path: path)
    #expect(try reader.rowTotals() == nil)
    #expect(try reader.levels(.tensor) == nil)
  }

  /// Damage inside the new blocks is told by `verify` and never read as numbers.
  @Test func damagedBinsAreNotRead() throws {
    let path = folder.file("long.trntrace")
    _ = try longTrace(path)
    let whole = try bytes(of: path)
    for kind in [8, 9] as [UInt8] {
      let block = try #require(
        whole.indices.dropLast(200).first { place in
          whole[place] == 0xF4 && whole[place + 1] == 0x1C && whole[place + 2] == 0xB7
            && whole[place + 20] == kind
        })
      for offset in stride(from: 170, to: 400, by: 13) {
        var content = whole
        content[block + offset] ^= 0x20
        try Data(content).write(to: URL(fileURLWithPath: path))
        let reader = try TraceReader(path: path)
        #expect(try !reader.verify().isEmpty)
        if kind == 9 { #expect(try reader.rowTotals() == nil) }
        if kind == 8 { #expect(try reader.levels(.tensor) == nil) }
      }
    }
  }

  // MARK: Ring

  @Test func aRingKeepsTheLastRecordsAndSaysSo() throws {
    let path = folder.file("ring.trntrace")
    let events = longEvents(700_000, seed: 9)
    var writer = try TraceWriter(
      path: path, metadata: TraceMetadata(), retention: .last(sizeBytes: 700_000))
    _ = try writer.append(program: Self.rows)
    try writer.append(track: .sync, events: longEvents(10, seed: 1))
    try writer.append(track: .tensor, events: events)
    try writer.finish()
    let size = try bytes(of: path).count
    #expect(size < 900_000)
    let reader = try TraceReader(path: path)
    #expect(try reader.verify().isEmpty)
    let dropped = try #require(reader.summary.droppedRecords)
    let from = try #require(reader.summary.recordedFrom)
    #expect(dropped > 0 && dropped < 700_000)
    var kept: [TraceEvent] = []
    #expect(try reader.readEvents(track: .tensor) { kept += $0 }.isEmpty)
    #expect(kept == Array(events.suffix(kept.count)))
    #expect(kept.count + Int(dropped) == 700_000)
    // From the stated moment on nothing is missing.
    #expect(events.filter { $0.start.value >= from }.allSatisfy { $0.start >= kept[0].start })
    // The totals are those of the whole run.
    #expect(reader.summary.tracks[0].events == 700_000)
    #expect(reader.summary.end == events.map(\.end.value).max())
    #expect(try reader.rowTotals() == nil)
  }

  @Test func aRingThatHoldsEverythingLosesNothing() throws {
    let paths = [folder.file("all.trntrace"), folder.file("ring.trntrace")]
    for (path, retention) in zip(paths, [TraceRetention.all, .last(sizeBytes: 1 << 30)]) {
      var writer = try TraceWriter(path: path, metadata: TraceMetadata(), retention: retention)
      try writer.append(track: .tensor, events: longEvents(100_000, seed: 5))
      try writer.finish()
    }
    let readers = try paths.map { try readAll($0, .tensor) }
    #expect(readers[0].0 == readers[1].0)
    #expect(readers[1].1.isEmpty)
    #expect(try TraceReader(path: paths[1]).summary.droppedRecords == nil)
  }
}
