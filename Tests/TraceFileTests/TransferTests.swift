import Foundation
import Testing
import TraceFile
import Units

/// Transfers that several DMA engines carry out alike are stored once and read as a record on each
/// engine's track.
@Suite struct TransferTests {
  let folder: TemporaryFolder
  private static let skews = TransferSkews((0..<16).map { Int64($0 * $0) * 37 - 200 })

  init() throws { folder = try TemporaryFolder() }

  /// Transfers of all engines, of some, of one; `wild` takes any values that the format allows.
  private static func transfers(
    _ count: Int, seed: UInt64, wild: Bool = false
  ) -> [TraceTransfer] {
    var random = SplitMix64(seed: seed)
    let records =
      wild
      ? Events.wild(count: count, seed: seed)
      : Events.loop(count: count, jitterPercent: 30, seed: seed)
    return records.map { record in
      var record = record
      // Room for the skews, and for the sums of a long trace.
      record.start.value /= 1 << 16
      record.duration.value >>= 16
      record.wait.value >>= 16
      let engines: UInt16 =
        switch Int.random(in: 0..<8, using: &random) {
        case 0: UInt16.random(in: 1...(.max), using: &random)
        case 1: 0x00FF
        case 2: 1 << UInt16.random(in: 0..<16, using: &random)
        default: 0xFFFF
        }
      return TraceTransfer(record, engines: engines)
    }
  }

  /// What each engine's track holds, worked out one record at a time.
  private static func records(_ transfers: [TraceTransfer], _ engine: Int) -> [TraceEvent] {
    transfers.filter { $0.engines >> UInt16(engine) & 1 == 1 }.map { transfer in
      var record = transfer.record
      record.start.value += skews.values[engine]
      return record
    }
  }

  private func write(
    _ path: String, _ transfers: [TraceTransfer], rows: [ProgramRow] = Events.rows(48),
    retention: TraceRetention = .all, part: Int = 16_384
  ) throws {
    var writer = try TraceWriter(
      path: path, metadata: TraceMetadata(), retention: retention, skews: Self.skews)
    _ = try writer.append(program: rows)
    try writer.append(track: .tensor, events: Events.loop(count: 70))
    for start in stride(from: 0, to: transfers.count, by: part) {
      try writer.append(
        transfers: Array(transfers[start..<min(start + part, transfers.count)]))
    }
    try writer.finish()
  }

  @Test(arguments: [0, 1, 2, 65_535, 65_536, 65_537, 140_000], [false, true])
  func everyRecordComesBackOnItsTrack(count: Int, wild: Bool) throws {
    let path = folder.file("transfers.trntrace")
    let transfers = Self.transfers(count, seed: 3, wild: wild)
    try write(path, transfers)
    for engine in 0..<16 {
      let (read, damage) = try readAll(path, .dma(engine))
      #expect(read == Self.records(transfers, engine))
      #expect(damage.isEmpty)
    }
    let reader = try TraceReader(path: path)
    #expect(try reader.verify().isEmpty)
    #expect(reader.blockCount == 1 + (count + 65_535) / 65_536)
    let all = (0..<16).reduce(70) { $0 + Self.records(transfers, $1).count }
    #expect(reader.recordCount() == all)
    #expect(reader.summary.tracks.reduce(0) { $0 + $1.events } == Int64(all))
  }

  /// The same records, stored on each track for itself and stored once: all that a reader gives is
  /// alike, with the footer and without it.
  @Test func sharedRecordsAreReadLikeOnesOfEachTrack() throws {
    let (shared, own) = (folder.file("shared.trntrace"), folder.file("own.trntrace"))
    let transfers = Self.transfers(150_000, seed: 8)
    try write(shared, transfers)
    var writer = try TraceWriter(path: own, metadata: TraceMetadata())
    _ = try writer.append(program: Events.rows(48))
    try writer.append(track: .tensor, events: Events.loop(count: 70))
    for engine in 0..<16 {
      try writer.append(track: .dma(engine), events: Self.records(transfers, engine))
    }
    try writer.finish()
    #expect(try bytes(of: shared).count * 4 < (try bytes(of: own).count))
    for cut in [0, 30] {
      for path in [shared, own] where cut > 0 {
        try Data(try bytes(of: path).dropLast(cut)).write(to: URL(fileURLWithPath: path))
      }
      let a = try TraceReader(path: shared)
      let b = try TraceReader(path: own)
      #expect(a.summary.tracks == b.summary.tracks)
      #expect(a.summary.end == b.summary.end)
      #expect(try a.rowTotals() == b.rowTotals())
      for engine in [0, 7, 15] {
        #expect(try a.levels(.dma(engine)) == b.levels(.dma(engine)))
        let batches = try [batches(a, .dma(engine)), batches(b, .dma(engine))]
        #expect(Array(batches[0].joined()) == Array(batches[1].joined()))
        #expect(Self.busy(batches[0]) == Self.busy(batches[1]))
      }
    }
  }

  private func batches(
    _ reader: borrowing TraceReader, _ track: TrackID
  ) throws -> [EventBatch] {
    var batches: [EventBatch] = []
    #expect(try reader.readEvents(track: track) { batches.append($0) }.isEmpty)
    return batches
  }

  /// Busy time, each batch from the cursor that stands before it.
  private static func busy(_ batches: [EventBatch]) -> Int64 {
    batches.reduce(0) { sum, batch in
      var cursor = batch.cursor
      return batch.reduce(sum) {
        let place = cursor.place($1)
        return $0 + place.busyEnd - place.busyStart
      }
    }
  }

  @Test func transfersOfManyEnginesTakeFewBytes() throws {
    let path = folder.file("small.trntrace")
    let transfers = Events.loop(count: 60_000, jitterPercent: 5).map {
      TraceTransfer($0, engines: 0xFFFF)
    }
    try write(path, transfers)
    #expect(try bytes(of: path).count < 60_000)
  }

  // MARK: Damage

  private func blocks(_ content: [UInt8]) -> [Int] {
    content.indices.dropLast(40).filter { place in
      content[place] == 0xF4 && content[place + 1] == 0x1C && content[place + 2] == 0xB7
        && content[place + 20] == 11
    }.map { $0 - 8 }
  }

  @Test func aDamagedBlockNamesItsTracks() throws {
    let path = folder.file("bad.trntrace")
    let transfers = Self.transfers(140_000, seed: 5).map {
      TraceTransfer($0.record, engines: 0x0FF0)
    }
    try write(path, transfers)
    var content = try bytes(of: path)
    let blocks = blocks(content)
    #expect(blocks.count == 3)
    content[blocks[1] + 1_000] ^= 0x10
    try Data(content).write(to: URL(fileURLWithPath: path))
    let reader = try TraceReader(path: path)
    let found = try reader.verify()
    #expect(found.map(\.kind) == [.badBlock])
    #expect(found.first?.records == 524_288)
    #expect(found.first?.dmaEngines == Array(4..<12))
    #expect(found.first?.description.contains("tracks dma4 to dma11") == true)
    let (read, damage) = try readAll(path, .dma(5))
    let expected = Self.records(transfers, 5)
    #expect(read == Array(expected[..<65_536] + expected[131_072...]))
    #expect(damage.map(\.track) == [.dma(5)])
    #expect(damage.map(\.records) == [65_536])
    #expect(try readAll(path, .dma(3)).1.isEmpty)
  }

  @Test func aMissingMiddleIsNamedByTrackCountAndTime() throws {
    let path = folder.file("middle.trntrace")
    let transfers = Self.transfers(200_000, seed: 6)
    try write(path, transfers)
    var content = try bytes(of: path)
    let blocks = blocks(content)
    content.removeSubrange(blocks[1]..<blocks[2])
    try Data(content).write(to: URL(fileURLWithPath: path))
    let reader = try TraceReader(path: path)
    let lost = reader.damage.filter { $0.kind == .lostRecords }
    #expect(lost.count == 16)
    for engine in 0..<16 {
      let gone = Self.records(Array(transfers[65_536..<131_072]), engine)
      let own = lost.first { $0.track == .dma(engine) }
      #expect(own?.records == Int64(gone.count))
      let kept = Self.records(Array(transfers[..<65_536]), engine)
      #expect(own?.from == kept.map(\.end.value).max())
    }
  }

  @Test func everyCutAndFlippedBitIsReported() throws {
    let path = folder.file("small.trntrace")
    try write(path, Self.transfers(40, seed: 7), rows: Events.rows(4))
    let whole = try bytes(of: path)
    let block = try #require(blocks(whole).first)
    let changed = folder.file("changed.trntrace")
    func damage(_ content: [UInt8]) throws -> [TraceDamage] {
      try Data(content).write(to: URL(fileURLWithPath: changed))
      let reader = try TraceReader(path: changed)
      var found = try reader.verify()
      for track in TrackID.dmaEngines { found += try reader.readEvents(track: track) { _ in } }
      return found
    }
    #expect(try damage(whole).isEmpty)
    for place in block..<whole.count {
      #expect(try !damage(Array(whole[..<place])).isEmpty, "cut at \(place)")
      var content = whole
      content[place] ^= 1 << UInt8(place % 8)
      #expect(try !damage(content).isEmpty, "byte \(place)")
    }
  }

  /// Contents that are changed under a right checksum: answered or refused, never a trap.
  @Test func forgedContentsNeverCrash() throws {
    let path = folder.file("small.trntrace")
    try write(path, Self.transfers(300, seed: 9), rows: Events.rows(4))
    let whole = try bytes(of: path)
    let block = try #require(blocks(whole).first)
    let size = ZstdFrames.number(whole, block + 56)
    let raw = ZstdFrames.decoded(
      Array(whole[block + 172..<block + 172 + size]), size: ZstdFrames.number(whole, block + 60))
    var random = SplitMix64(seed: 12)
    var refused = 0
    for _ in 0..<600 {
      var changed = raw
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<changed.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: changed[place] = UInt8.random(in: 0...255, using: &random)
        case 1: changed.remove(at: place)
        default: changed.insert(0xFF, at: place)
        }
      }
      var header = Array(whole[block..<block + 172])
      // The counts of tracks are forged as well, at times.
      if Bool.random(using: &random) { header[80 + Int.random(in: 0..<64, using: &random)] ^= 1 }
      let forged = ZstdFrames.block(header: header, content: changed)
      try Data(whole[..<block] + forged).write(to: URL(fileURLWithPath: path))
      let reader = try TraceReader(path: path)
      #expect(reader.damage.contains { $0.kind == .noFooter })
      for track in TrackID.dmaEngines where try !reader.readEvents(track: track, { _ in }).isEmpty {
        refused += 1
      }
    }
    #expect(refused > 100)
  }

  @Test func recordsBeyondTheLimitsAreRefused() throws {
    let edge = TraceEvent(
      start: Picoseconds(TraceEvent.limit), duration: .zero, programCounter: 0)
    let error = #expect(throws: TraceError.self) {
      try write(folder.file("bad.trntrace"), [TraceTransfer(edge, engines: 0x8001)])
    }
    // Engine 0 is early and stays inside, engine 15 is late.
    #expect(error == .illegalRecord(track: .dma(15), index: 0))
  }

  // MARK: Killed runs and rings

  @Test func aKilledRunKeepsWhatItsSideFileHolds() throws {
    let path = folder.file("killed.trntrace")
    let transfers = Self.transfers(65_536 + 2 * 16_384 + 100, seed: 4)
    do {
      var writer = try TraceWriter(path: path, metadata: TraceMetadata(), skews: Self.skews)
      _ = try writer.append(program: Events.rows(48))
      try writer.append(transfers: transfers)
    }
    let kept = Array(transfers.dropLast(100))
    let reader = try TraceReader(path: path)
    #expect(kinds(reader.damage) == [.noFooter])
    for engine in [0, 5, 15] {
      let expected = Self.records(kept, engine)
      #expect(try readAll(path, .dma(engine)).0 == expected)
      #expect(reader.summary.tracks[5 + engine].events == Int64(expected.count))
    }
    // Damage in the side file is told, and its records are left out.
    var content = try bytes(of: path + ".open")
    content[content.count - 3 * (64 + 128 + 40 * 16_384) + 500] ^= 1
    try Data(content).write(to: URL(fileURLWithPath: path + ".open"))
    let (read, damage) = try readAll(path, .dma(0))
    #expect(read.count <= Self.records(kept, 0).count)
    #expect(damage.contains { $0.kind == .openBlocks } || read == Self.records(kept, 0))
  }

  @Test func aBlockCutWhileBeingWrittenComesBackFromTheSideFile() throws {
    let path = folder.file("cut.trntrace")
    let transfers = Self.transfers(65_536, seed: 2).map { TraceTransfer($0.record, engines: 3) }
    do {
      var writer = try TraceWriter(path: path, metadata: TraceMetadata(), skews: Self.skews)
      for start in stride(from: 0, to: 65_536, by: 16_384) {
        try writer.append(transfers: Array(transfers[start..<start + 16_384]))
      }
    }
    try Data(try bytes(of: path).dropLast(100)).write(to: URL(fileURLWithPath: path))
    let (read, damage) = try readAll(path, .dma(1))
    #expect(read == Self.records(Array(transfers[..<49_152]), 1))
    let cut = try #require(damage.first { $0.kind == .cutBlock })
    #expect(cut.dmaEngines == [0, 1])
    #expect(cut.records == 32_768)
  }

  @Test func aRingKeepsTheLastTransfersAndSaysSo() throws {
    let path = folder.file("ring.trntrace")
    let transfers = Self.transfers(500_000, seed: 11)
    try write(path, transfers, retention: .last(sizeBytes: 400_000))
    let reader = try TraceReader(path: path)
    #expect(try reader.verify().isEmpty)
    let dropped = try #require(reader.summary.droppedRecords)
    var kept: Int64 = 0
    for engine in 0..<16 {
      let own = try readAll(path, .dma(engine)).0
      #expect(own == Array(Self.records(transfers, engine).suffix(own.count)))
      kept += Int64(own.count)
    }
    let all = (0..<16).reduce(70) { $0 + Int64(Self.records(transfers, $1).count) }
    let tensor = Int64(try readAll(path, .tensor).0.count)
    #expect(kept + tensor + dropped == all)
    #expect(dropped > 0)
  }

  @Test func theFileDoesNotDependOnHowItIsHandedOver() throws {
    let transfers = Self.transfers(100_000, seed: 13)
    let files = try [1_000, 16_384, 100_000].map { part -> [UInt8] in
      let path = folder.file("part.trntrace")
      try write(path, transfers, part: part)
      return try bytes(of: path)
    }
    #expect(Set(files).count == 1)
  }
}
