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
    #expect(examples.count == 2)
    #expect(Array(content.prefix(28)) == examples.first)
    #expect(decodedEvents(content) == examples.last)
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
