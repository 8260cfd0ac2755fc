import Foundation
import Testing
import TraceFile
import Units

@Suite struct DamageTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A small file with every kind of block, several tracks and two blocks of one track's rows.
  private func smallFile() throws -> [UInt8] {
    let path = folder.file("small.trntrace")
    let samples = (0..<40).map {
      TraceSample(
        time: Picoseconds(Int64($0) * 1_000), state: $0 < 20 ? .busy : .idle, programCounter: 1)
    }
    try writeTrace(
      path, rows: Events.rows(4),
      events: [(.tensor, Events.loop(count: 50, body: 4)), (.dma(3), Events.loop(count: 3))],
      samples: [(.vector, samples)])
    return try bytes(of: path)
  }

  /// Reads all that a file holds; nil when it cannot be opened. Never crashes is the claim.
  private func readEverything(_ content: [UInt8]) throws -> [TraceDamage]? {
    let path = folder.file("damaged.trntrace")
    try Data(content).write(to: URL(fileURLWithPath: path))
    do {
      let reader = try TraceReader(path: path)
      var found = try reader.verify()
      for track in TrackID.all {
        found += try reader.readEvents(track: track) { _ in }
        found += try reader.readSamples(track: track) { _ in }
      }
      #expect(found.allSatisfy { !$0.description.isEmpty })
      return found
    } catch {
      #expect(error.exitCode == 65 || error.exitCode == 64)
      return nil
    }
  }

  @Test func aWholeFileHasNoDamage() throws {
    #expect(try readEverything(smallFile()) == [])
  }

  @Test func everyCutIsReported() throws {
    let whole = try smallFile()
    for size in 0..<whole.count {
      let damage = try readEverything(Array(whole[..<size]))
      #expect(damage?.isEmpty != true, "cut at \(size) went unnoticed")
      if size >= 28 { #expect(damage != nil, "cut at \(size) does not open") }
    }
  }

  @Test func everyFlippedBitIsReported() throws {
    let whole = try smallFile()
    for offset in whole.indices {
      // All bits of the first headers, then one bit of each byte in turn.
      for bit in offset < 300 ? Array(0..<8) : [offset % 8] {
        var content = whole
        content[offset] ^= 1 << bit
        let damage = try readEverything(content)
        #expect(damage?.isEmpty == false, "bit \(bit) of byte \(offset) went unnoticed")
      }
    }
  }

  @Test func randomBytesNeverCrash() throws {
    let whole = try smallFile()
    var random = SplitMix64(seed: 11)
    for _ in 0..<2_000 {
      var content = whole
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        let place = Int.random(in: 0..<content.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: content[place] = UInt8.random(in: 0...255, using: &random)
        case 1: content.remove(at: place)
        default: content.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
      }
      _ = try readEverything(content)
    }
  }

  @Test func aMissingMiddleIsNamedByTrackCountAndTime() throws {
    let path = folder.file("middle.trntrace")
    let events = Events.loop(count: 200_000)
    try writeTrace(path, events: [(.tensor, events)])
    var content = try bytes(of: path)
    // Cut from the middle of the second block to the middle of the third.
    let blocks = ranges(of: eventBlocks(content), in: content)
    content.removeSubrange(blocks[1] + 500..<blocks[2] + 500)
    let damage = try #require(try readEverything(content))
    let lost = try #require(damage.first { $0.kind == .lostRecords })
    #expect(lost.track == .tensor)
    #expect(lost.records == 65_536)
    #expect(lost.from == events[131_071].end.value)
    let bad = try #require(damage.first { $0.kind == .badBlock })
    #expect(bad.records == 65_536)
    #expect(bad.to == events[131_071].end.value)
    let next = events[131_072 + 65_536]
    #expect(lost.to == next.start.value - next.wait.value)
    #expect(damage.contains { $0.kind == .footer })
    #expect(try readAll(folder.file("damaged.trntrace"), .tensor).0.count == 200_000 - 131_072)
  }

  @Test func aDamagedBlockIsNamedAndTheOthersAreRead() throws {
    let path = folder.file("bad.trntrace")
    let events = Events.loop(count: 200_000)
    try writeTrace(path, events: [(.tensor, events)])
    var content = try bytes(of: path)
    let blocks = ranges(of: eventBlocks(content), in: content)
    content[blocks[1] + 1_000] ^= 0x10
    try Data(content).write(to: URL(fileURLWithPath: path))
    let (read, damage) = try readAll(path, .tensor)
    #expect(read == Array(events[..<65_536] + events[131_072...]))
    #expect(damage.map(\.kind) == [.badBlock])
    #expect(damage.first?.records == 65_536)
    #expect(damage.first?.to == events[131_071].end.value)
  }

  /// The sync marker and the kind of an events block, as FORMAT.md lays them out.
  private func eventBlocks(_ content: [UInt8]) -> [Int] {
    content.indices.dropLast(40).filter { place in
      content[place] == 0xF4 && content[place + 1] == 0x1C && content[place + 2] == 0xB7
        && content[place + 20] == 3
    }
  }

  private func ranges(of markers: [Int], in content: [UInt8]) -> [Int] { markers.map { $0 - 8 } }

  // MARK: Not a trace

  @Test func otherFilesAreRefusedWithAReason() throws {
    let path = folder.file("other")
    for content in [[], Array("hello".utf8), [UInt8](repeating: 0, count: 5_000)] {
      try Data(content).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: TraceError.self) { _ = try TraceReader(path: path).summary }
      #expect(error?.exitCode == 65)
      #expect(error?.description.contains("not a trace file") == true)
    }
  }

  @Test func aNewerMajorVersionIsRefusedAndANewerMinorIsRead() throws {
    var content = try smallFile()
    let path = folder.file("newer.trntrace")
    func rewrite(major: UInt8, minor: UInt8) throws {
      content[16] = major
      content[18] = minor
      let checksum = CRC32C.checksum(content[8..<24])
      for byte in 0..<4 { content[24 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte)) }
      try Data(content).write(to: URL(fileURLWithPath: path))
    }
    try rewrite(major: 1, minor: 9)
    #expect(try TraceReader(path: path).verify().isEmpty)
    try rewrite(major: 2, minor: 0)
    let error = #expect(throws: TraceError.self) { _ = try TraceReader(path: path).summary }
    #expect(error == .newerVersion(path: path, major: 2, minor: 0))
    #expect(error?.exitCode == 64)
  }

  @Test func aMissingFileAndAFolderAreErrorsOfTheSystem() throws {
    let missing = #expect(throws: TraceError.self) {
      _ = try TraceReader(path: folder.file("none")).summary
    }
    #expect(missing == .system(doing: "opening", path: folder.file("none"), code: ENOENT))
    #expect(missing?.exitCode == 74)
    #expect(throws: TraceError.self) { _ = try TraceReader(path: folder.path).summary }
  }
}
