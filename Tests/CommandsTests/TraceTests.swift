import Foundation
import Testing
import TraceFile
import Units

@Suite struct TraceTests {
  private static let rows = [
    ProgramRow(opcode: "MATMUL", engine: .tensor, kernel: "attention", layer: "0", flops: 1_000),
    ProgramRow(opcode: "ACTIVATE", engine: .scalar, kernel: "attention", layer: "1"),
    ProgramRow(opcode: "DMA_DIRECT2D", engine: .sync, kernel: "copy", layer: "0", bytes: 4_096),
  ]

  private func event(_ row: UInt32, _ start: Int64, _ duration: Int64) -> TraceEvent {
    TraceEvent(
      start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(10_000),
      stallCause: .semaphore, programCounter: row)
  }

  /// A microsecond of a run.
  private func write(_ desk: Desk) throws {
    var writer = try TraceWriter(
      path: desk.folder.path + "/x.trntrace",
      metadata: TraceMetadata(["workload": "kernel/alpha", "device": "trn2"]))
    _ = try writer.append(program: Self.rows)
    try writer.append(
      track: .tensor, events: [event(0, 100_000, 300_000), event(0, 700_000, 200_000)])
    try writer.append(track: .scalar, events: [event(1, 400_000, 600_000)])
    try writer.append(track: .dma(0), events: [event(2, 10_000, 90_000)])
    try writer.finish()
  }

  @Test func summariesInEveryGroupingAndFormat() throws {
    let desk = try Desk()
    try write(desk)
    let commands: [[String]] = [
      ["trace", "summary", "x.trntrace"], ["trace", "summary", "x.trntrace", "--by", "kernel"],
      ["trace", "summary", "x.trntrace", "--by", "stall", "--from", "0.35us", "--to", "750ns"],
      ["trace", "summary", "x.trntrace", "--by", "opcode", "--format", "csv"],
      ["trace", "summary", "x.trntrace", "--format", "csv"],
      ["trace", "summary", "x.trntrace", "--by", "layer", "--format", "markdown"],
      ["trace", "summary", "x.trntrace", "--from", "2us", "--to", "3us"],
      ["trace", "summary", "x.trntrace", "--from", "1us"],
      ["trace", "counters", "x.trntrace", "--from", "0.5us", "--to", "500ns"],
      ["trace", "export", "x.trntrace", "--to", "csv", "--output", "-", "--to", "0ns"],
      ["trace", "view", "x.trntrace", "--static", "--from", "2us", "--to", "1us"],
      ["trace", "summary", "x.trntrace", "--from", "0.9us", "--to", "5us", "--by", "opcode"],
      ["trace", "verify", "x.trntrace"], ["trace", "verify", "x.trntrace", "--format", "json"],
    ]
    let text = commands.map { desk.transcript($0) }.joined(separator: "\n")
    let difference = try goldenDifference(text, "trace.txt")
    #expect(difference == nil)
  }

  @Test func jsonHasTheKeysOfTheContract() throws {
    let desk = try Desk()
    try write(desk)
    let answer = desk.run("trace", "summary", "x.trntrace", "--format", "json")
    #expect(answer.code == 0)
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    for key in ["schema", "duration_us", "engines", "dma", "kernels", "top"] {
      #expect(document[key] != nil, "\(key)")
    }
    let engines = try #require(document["engines"] as? [[String: Any]])
    #expect(engines.first?["engine"] as? String == "tensor")
    #expect(engines.first?["active_percent"] as? Double == 50)
  }

  @Test func aCutFileGivesAPartialAnswerAndSixtyFive() throws {
    let desk = try Desk()
    try write(desk)
    let url = desk.folder.appendingPathComponent("x.trntrace")
    let whole = try Data(contentsOf: url)
    try whole.dropLast(40).write(to: url)
    for format in ["table", "json", "csv"] {
      let answer = desk.run("trace", "summary", "x.trntrace", "--format", format)
      #expect(answer.code == 65, "\(format)")
      #expect(answer.output.contains("tensor"), "\(format)")
    }
    #expect(desk.run("trace", "summary", "x.trntrace").output.contains("footer"))
    #expect(desk.run("trace", "summary", "x.trntrace", "--format", "csv").errors.contains("footer"))
    let verified = desk.run("trace", "verify", "x.trntrace")
    #expect(verified.code == 65)
    #expect(verified.output.contains("footer"))
    // Of a file without any footer, no message is cut and none is too wide.
    try whole.prefix(whole.count / 2).write(to: url)
    let half = desk.run("trace", "verify", "x.trntrace")
    #expect(half.code == 65)
    #expect(!half.output.contains("…"))
    #expect(half.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(half.output.contains("is missing"))
  }
}
