import Foundation
import Testing
import TraceFile
import Units

/// What a later minor version may add is read past: columns and kinds of blocks.
@Suite struct LaterVersionTests {
  private static let header = 172

  /// The blocks of a file up to its summary, as header frame and zstd frame.
  private func blocks(_ content: [UInt8]) -> [(header: [UInt8], frame: [UInt8])] {
    var found: [(header: [UInt8], frame: [UInt8])] = []
    var place = 28
    while content[place + 28] != 5 {
      let size = ZstdFrames.number(content, place + 56)
      let start = place + Self.header
      found.append((Array(content[place..<start]), Array(content[start..<start + size])))
      place = start + size
    }
    return found
  }

  /// The block with one more column that no reader of today knows.
  private func withUnknownColumn(
    _ block: (header: [UInt8], frame: [UInt8])
  ) -> (header: [UInt8], frame: [UInt8]) {
    let raw = ZstdFrames.decoded(block.frame, size: ZstdFrames.number(block.header, 60))
    let content = [200, 2, 0, 0, 3, 0, 0, 0, 1, 2, 3] + raw + [201, 77, 0, 0, 1, 0, 0, 0, 9]
    let changed = ZstdFrames.block(header: block.header, content: content)
    return (Array(changed[..<Self.header]), Array(changed[Self.header...]))
  }

  @Test func unknownColumnsAndKindsAreReadPast() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("later.trntrace")
    let events = Events.loop(count: 500)
    let rows = Events.rows(48)
    let samples = [TraceSample(time: .zero, state: .busy, programCounter: 3)]
    try writeTrace(path, rows: rows, events: [(.tensor, events)], samples: [(.sync, samples)])
    var content = try bytes(of: path)
    var list = blocks(content)
    #expect(list.map { $0.header[28] } == [1, 2, 3, 4])
    list[1] = withUnknownColumn(list[1])
    list[2] = withUnknownColumn(list[2])
    list[3].header[28] = 99
    let checksum = CRC32C.checksum(list[3].header[8..<168])
    ZstdFrames.put(checksum, 168, &list[3].header)
    content = Array(content.prefix(28)) + list.flatMap { $0.header + $0.frame }
    try Data(content).write(to: URL(fileURLWithPath: path))
    let (read, damage) = try readAll(path, .tensor)
    #expect(read == events)
    #expect(kinds(damage) == [.noFooter])
    let reader = try TraceReader(path: path)
    #expect(reader.program[47] == rows[47])
    #expect(try kinds(reader.verify()) == [.noFooter])
  }
}
