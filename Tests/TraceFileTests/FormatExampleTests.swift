import CZstd
import Foundation
import Testing
import TraceFile
import Units

/// The worked example of FORMAT.md is what the writer writes.
@Suite struct FormatExampleTests {
  /// The bytes of each block of hex digits in FORMAT.md.
  private func examples() throws -> [[UInt8]] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("FORMAT.md"), encoding: .utf8)
    return text.components(separatedBy: "```hex\n").dropFirst().map { part in
      let body = part.components(separatedBy: "```")[0]
      return body.split(separator: "\n").flatMap { line in
        line.split(separator: " ").prefix { $0.count == 2 && UInt8($0, radix: 16) != nil }
          .compactMap { UInt8($0, radix: 16) }
      }
    }
  }

  @Test func theWorkedExampleIsWhatIsWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("example.trntrace")
    func event(_ row: UInt32, _ start: Int64, wait: Int64 = 0) -> TraceEvent {
      TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(400), wait: Picoseconds(wait),
        stallCause: wait > 0 ? .semaphore : .none, detail: wait > 0 ? 7 : 0, programCounter: row)
    }
    let events = [
      event(0, 1_000), event(1, 1_450, wait: 50), event(0, 1_900), event(2, 2_400, wait: 60),
    ]
    try writeTrace(path, events: [(.tensor, events)])
    let content = try bytes(of: path)
    let examples = try examples()
    #expect(examples.count == 5)
    #expect(Array(content.prefix(28)) == examples[0])
    let places = blocks(content)
    #expect(places.map { content[$0 + 28] } == [1, 3, 5, 6])
    expect(content, header: places[1], is: examples[1])
    #expect(decodedEvents(content) == examples[2])
    expect(content, header: places[3], is: examples[3])
    // The index holds the headers before it, without their frames' own eight bytes.
    let index = ZstdFrames.decoded(
      Array(content[(places[3] + 172)...].prefix(ZstdFrames.number(content, places[3] + 56))),
      size: ZstdFrames.number(content, places[3] + 60))
    #expect(index == places.dropLast().flatMap { content[$0 + 8..<$0 + 172] })
    let end = places[3] + 172 + ZstdFrames.number(content, places[3] + 56)
    expectFrames(content, from: end, is: examples[4])
  }

  /// Compares a block's header; what depends on how libzstd compresses (the frame's size and hash,
  /// and so the header's checksum) with the version that FORMAT.md names alone.
  private func expect(_ content: [UInt8], header place: Int, is example: [UInt8]) {
    var found = Array(content[place..<place + 172])
    var wanted = example
    guard wanted.count == 172 else {
      Issue.record("\(wanted.count) bytes of a header; written are \(hex(found))")
      return
    }
    if ZSTD_versionNumber() != Self.version {
      for range in [56..<60, 64..<72, 168..<172] {
        for index in range { (found[index], wanted[index]) = (0, 0) }
      }
    }
    #expect(found == wanted, "written are \(hex(found))")
  }

  /// Compares the seek table; sizes of frames like the headers.
  private func expectFrames(_ content: [UInt8], from place: Int, is example: [UInt8]) {
    let found = Array(content[place...])
    #expect(found.count == example.count, "written are \(hex(found))")
    guard ZSTD_versionNumber() == Self.version else { return }
    #expect(found == example, "written are \(hex(found))")
  }

  /// The libzstd of the example: 1.5.4.
  private static let version: UInt32 = 10_504

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
      .joined(separator: " ")
  }

  /// Where the headers of all blocks begin.
  private func blocks(_ content: [UInt8]) -> [Int] {
    var places = [28]
    while content[places.last! + 28] != 6 {
      places.append(places.last! + 172 + ZstdFrames.number(content, places.last! + 56))
    }
    return places
  }

  /// The content of the first block of events, found by the layout that FORMAT.md gives.
  private func decodedEvents(_ content: [UInt8]) -> [UInt8] {
    func number(_ place: Int) -> Int {
      content[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    var block = 28
    while content[block + 28] != 3 { block += 172 + number(block + 56) }
    let frame = Array(content[block + 172..<block + 172 + number(block + 56)])
    var raw = [UInt8](repeating: 0, count: number(block + 60))
    let size = unsafe raw.withUnsafeMutableBytes { target in
      unsafe frame.withUnsafeBytes { source in
        unsafe ZSTD_decompress(
          target.baseAddress, target.count, source.baseAddress, source.count)
      }
    }
    #expect(size == raw.count)
    return raw
  }
}
