import CZstd
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
      let size = number(content, place + 56)
      let start = place + Self.header
      found.append((Array(content[place..<start]), Array(content[start..<start + size])))
      place = start + size
    }
    return found
  }

  private func number(_ content: [UInt8], _ place: Int) -> Int {
    content[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private func put<T: FixedWidthInteger>(_ value: T, _ place: Int, _ bytes: inout [UInt8]) {
    for index in 0..<T.bitWidth / 8 {
      bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * T(index)))
    }
  }

  private func recode(
    _ source: [UInt8], capacity: Int,
    _ code: (UnsafeMutableRawBufferPointer, UnsafeRawBufferPointer) -> Int
  ) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: capacity)
    let size = unsafe target.withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { unsafe code(target, $0) }
    }
    return Array(target.prefix(size))
  }

  /// The block with one more column that no reader of today knows.
  private func withUnknownColumn(
    _ block: (header: [UInt8], frame: [UInt8])
  ) -> (header: [UInt8], frame: [UInt8]) {
    var raw = unsafe recode(block.frame, capacity: number(block.header, 60)) {
      unsafe ZSTD_decompress($0.baseAddress, $0.count, $1.baseAddress, $1.count)
    }
    raw = [200, 2, 0, 0, 3, 0, 0, 0, 1, 2, 3] + raw + [201, 77, 0, 0, 1, 0, 0, 0, 9]
    let frame = unsafe recode(raw, capacity: raw.count + 1_000) {
      unsafe ZSTD_compress($0.baseAddress, $0.count, $1.baseAddress, $1.count, 3)
    }
    var header = block.header
    put(UInt32(frame.count), 56, &header)
    put(UInt32(raw.count), 60, &header)
    put(XXH64.hash(frame), 64, &header)
    put(CRC32C.checksum(header[8..<168]), 168, &header)
    return (header, frame)
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
    put(checksum, 168, &list[3].header)
    content = Array(content.prefix(28)) + list.flatMap { $0.header + $0.frame }
    try Data(content).write(to: URL(fileURLWithPath: path))
    let (read, damage) = try readAll(path, .tensor)
    #expect(read == events)
    #expect(damage.map(\.kind) == [.noFooter])
    let reader = try TraceReader(path: path)
    #expect(reader.program[47] == rows[47])
    #expect(try reader.verify().map(\.kind) == [.noFooter])
  }
}
