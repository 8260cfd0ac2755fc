import Foundation
import Testing
import TraceFile
import Units

/// The hash of what a file holds, whatever compressed it.
@Suite struct ContentHashTests {
  private static let header = 172

  private func check(_ path: String) throws -> (damage: [TraceDamage], contentHash: UInt64?) {
    try TraceReader(path: path).check()
  }

  private func write(_ path: String, _ events: [TraceEvent]) throws {
    try writeTrace(
      path, rows: Events.rows(48), events: [(.tensor, events), (.dma(2), Events.loop(count: 40))],
      samples: [(.sync, [TraceSample(time: .zero, state: .busy, programCounter: 3)])])
  }

  /// The blocks up to the index, each as header frame and zstd frame.
  private func blocks(_ content: [UInt8]) -> [(header: [UInt8], frame: [UInt8])] {
    var found: [(header: [UInt8], frame: [UInt8])] = []
    var place = 28
    while content[place + 28] != 6 {
      let start = place + Self.header
      let size = ZstdFrames.number(content, place + 56)
      found.append((Array(content[place..<start]), Array(content[start..<start + size])))
      place = start + size
    }
    return found
  }

  @Test func theHashIsAsTheFormatSays() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("x.trntrace")
    try write(path, Events.loop(count: 20_000))
    var digests: [UInt8] = []
    for block in blocks(try bytes(of: path)) {
      let raw = ZstdFrames.decoded(block.frame, size: ZstdFrames.number(block.header, 60))
      digests += [block.header[28], block.header[29], 0, 0] + block.header[32..<36]
      let hash = XXH64.hash(raw)
      digests += (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
    }
    let found = try check(path)
    #expect(found.damage.isEmpty)
    #expect(found.contentHash == XXH64.hash(digests))
    try write(folder.file("again.trntrace"), Events.loop(count: 20_000))
    #expect(try check(folder.file("again.trntrace")).contentHash == found.contentHash)
  }

  /// The same blocks at another level of compression make other bytes and the same hash.
  @Test func compressionDoesNotMatterAndRecordsDo() throws {
    let folder = try TemporaryFolder()
    let (path, other) = (folder.file("x.trntrace"), folder.file("other.trntrace"))
    let events = Events.loop(count: 20_000)
    try write(path, events)
    let content = try bytes(of: path)
    let parts = blocks(content)
    let again = parts.map { block in
      ZstdFrames.block(
        header: block.header,
        content: ZstdFrames.decoded(block.frame, size: ZstdFrames.number(block.header, 60)))
    }
    let before = parts.map { $0.header + $0.frame }
    #expect(before != again)
    var hashes: [UInt64?] = []
    for blocks in [before, again] {
      // Without index and seek table, whose sizes are those of the first.
      let data = Data(content.prefix(28) + blocks.joined())
      try data.write(to: URL(fileURLWithPath: other))
      hashes.append(try check(other).contentHash)
      #expect(kinds(try check(other).damage) == [.noFooter])
    }
    let whole = try #require(try check(path).contentHash)
    #expect(hashes == [whole, whole])
    for place in [0, 777, 19_999] {
      var changed = events
      changed[place].duration.value += 1
      try write(path, changed)
      #expect(try check(path).contentHash != whole)
    }
    // Nothing is said of a file with a block that cannot be read.
    var broken = content
    broken[28 + Self.header + 40] ^= 1
    try Data(broken).write(to: URL(fileURLWithPath: other))
    #expect(try check(other).contentHash == nil)
  }
}
