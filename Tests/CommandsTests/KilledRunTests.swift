import Foundation
import Testing

/// Runs that are killed while they record: what they leave is opened, and says what is missing.
@Suite(.serialized) struct KilledRunTests {
  /// Events that the side file keeps at once.
  private static let chunk = 16_384

  /// A program of five million instructions whose values are computed, which takes a while.
  private static var program: String {
    let instruction =
      "TENSOR_SCALAR dst=sbuf:fp32[0:128]@4096{128:1} src=sbuf:fp32[0:128]@0{128:1} op0=mul s0=1.5\n"
    return ".segment work\n.engine vector\n" + String(repeating: instruction, count: 256)
      + ".program\n" + String(repeating: ".invoke work\n", count: 20_000)
  }

  private func killed(
    _ desk: Desk, trace: String, after seconds: Double, waitsForRecords: Bool = true
  ) throws -> String {
    let folder = "out-\(trace)-\(seconds)"
    let running = try Product().start(
      ["run", "work.trnasm", "--output", folder, "--trace", trace], in: desk)
    let root = desk.folder.appendingPathComponent(folder).path
    var file: String?
    for _ in 0..<6_000 where file == nil && running.process.isRunning {
      Thread.sleep(forTimeInterval: 0.01)
      let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }
      file = names?.first { $0.hasSuffix(".trntrace") }
    }
    if seconds > 0, waitsForRecords {
      // From here on something is kept beside the blocks.
      let side = "\(root)/\(file ?? "").open"
      for _ in 0..<6_000
      where !FileManager.default.fileExists(atPath: side) && running.process.isRunning {
        Thread.sleep(forTimeInterval: 0.01)
      }
    }
    Thread.sleep(forTimeInterval: seconds)
    #expect(running.process.isRunning, "the run must still be going on")
    kill(running.process.processIdentifier, SIGKILL)
    #expect(try running.ending().wasKilled)
    return "\(folder)/\(try #require(file))"
  }

  private func document(_ answer: Desk.Answer) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
  }

  @Test(arguments: [0, 0.2, 0.7, 1.5]) func eventsUpToTheLastChunkAreThere(
    after seconds: Double
  ) throws {
    let desk = try Desk()
    try desk.write("work.trnasm", Self.program)
    let file = try killed(desk, trace: "events", after: seconds)
    let verified = desk.run("trace", "verify", file, "--format", "json")
    #expect(verified.code == 65)
    #expect(verified.output.contains("no_footer"))
    #expect(verified.output.contains("after its last record here is missing"))
    let answer = desk.run("trace", "summary", file, "--format", "json")
    #expect(answer.code == 65, "\(answer.errors)")
    let summary = try document(answer)
    let engines = try #require(summary["engines"] as? [[String: Any]])
    let vector = try #require(engines.first { $0["engine"] as? String == "vector" })
    let records = try #require(vector["instructions"] as? Int)
    #expect(records % Self.chunk == 0, "whole chunks and nothing else: \(records)")
    if seconds > 0 { #expect(records > 0) }
    let shown = desk.run("trace", "view", file, "--static", "--width", "80")
    #expect(shown.code == 65)
    #expect(shown.output.contains("damaged") && shown.errors.contains("killed"))
  }

  /// Moments drawn from a seed: ten of them, or as many as TRNBENCH_KILLS says.
  private static var moments: [Double] {
    let count = ProcessInfo.processInfo.environment["TRNBENCH_KILLS"].flatMap(Int.init) ?? 10
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 40) / Double(1 << 24)
    }
  }

  /// At most one open block of each engine is lost: what the file holds has no gap, ends with a
  /// whole chunk, and what is missing after it is said.
  @Test(arguments: moments) func anyMomentLeavesAFileThatOpens(after seconds: Double) throws {
    let desk = try Desk()
    try desk.write("work.trnasm", Self.program)
    let trace = Int(seconds * 1000) % 2 == 0 ? "events" : "samples"
    let file = try killed(desk, trace: trace, after: seconds, waitsForRecords: false)
    let verified = desk.run("trace", "verify", file, "--format", "json")
    #expect(verified.code == 65, "\(verified.errors)")
    #expect(verified.output.contains("is missing"), "\(verified.output)")
    let answer = desk.run("trace", "summary", file, "--format", "json")
    #expect(answer.code == 65, "\(answer.errors)")
    let engines = try #require(try document(answer)["engines"] as? [[String: Any]])
    for engine in engines {
      // Samples do not count.
      let records = engine["instructions"] as? Int
      if trace == "events" { #expect(try #require(records) % Self.chunk == 0, "\(engine)") }
      let stalls = try #require(engine["stall_percent"] as? [String: Double])
      let active = try #require(engine["active_percent"] as? Double)
      let idle = try #require(engine["idle_percent"] as? Double)
      let missing = engine["missing_percent"] as? Double ?? 0
      let sum = active + idle + missing + stalls.values.reduce(0, +)
      #expect(abs(sum - 100) < 1e-6 || records ?? 0 == 0)
    }
  }

  /// Without its side file the rest is read all the same; a later run removes what is stale.
  @Test func theSideFileIsUsedAndRemoved() throws {
    let desk = try Desk()
    try desk.write("work.trnasm", Self.program)
    let file = try killed(desk, trace: "events", after: 0.2)
    let side = desk.folder.appendingPathComponent(file + ".open")
    #expect(FileManager.default.fileExists(atPath: side.path))
    let with = desk.run("trace", "summary", file, "--format", "json")
    try FileManager.default.removeItem(at: side)
    let without = desk.run("trace", "summary", file, "--format", "json")
    #expect(without.code == 65)
    #expect(with.output != without.output, "the side file held records")
  }
}
