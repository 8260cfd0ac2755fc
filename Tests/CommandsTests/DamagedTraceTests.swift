import Foundation
import Testing
import TraceFile
import Units

/// Every verb that reads a trace, on traces with one bit of theirs changed: either it prints what
/// it prints of the sound trace, or it says that the file is damaged.
@Suite struct DamagedTraceTests {
  private static let file = "x.trntrace"

  private static let verbs: [[String]] = [
    ["summary", file], ["summary", file, "--format", "json"],
    ["summary", file, "--by", "opcode", "--from", "1us", "--to", "3us", "--format", "csv"],
    ["counters", file], ["counters", file, "--format", "json"],
    ["diff", "sound.trntrace", file], ["diff", file, "sound.trntrace", "--format", "json"],
    ["explain", file, "--at", "3us", "--engine", "vector"],
    ["explain", file, "--at", "3us", "--engine", "vector", "--format", "json"],
    ["view", file, "--static", "--width", "80"],
    ["view", file, "--static", "--width", "80", "--from", "2us", "--to", "3us"],
    ["export", file, "--to", "csv", "--output", "-"],
    ["export", file, "--to", "chrome", "--output", "-"], ["verify", file],
  ]

  private func record(_ recording: String, _ desk: Desk) throws -> [UInt8] {
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    let answer = desk.run(
      "run", "kernel/product", "--mode", "timing", "--trace", recording, "--output", recording)
    try #require(answer.code == 0, "\(answer.errors)")
    let path = "\(recording)/unknown/trn2/kernel/product.trntrace"
    return [UInt8](try Data(contentsOf: desk.folder.appendingPathComponent(path)))
  }

  /// A trace so long that its footer holds sums and bins of all records.
  private func longTrace(_ desk: Desk) throws -> [UInt8] {
    let path = desk.folder.appendingPathComponent("long.trntrace").path
    var writer = try TraceWriter(path: path, metadata: TraceMetadata(["device": "trn2"]))
    _ = try writer.append(program: [
      ProgramRow(opcode: "MATMUL", engine: .tensor, kernel: "a", flops: 100),
      ProgramRow(opcode: "TENSOR_COPY", engine: .vector, kernel: "b"),
    ])
    for (track, row) in [(TrackID.tensor, UInt32(0)), (.vector, 1)] {
      try writer.append(
        track: track,
        events: (0..<70_000).map {
          TraceEvent(
            start: Picoseconds(Int64($0) * 100 + Int64($0 % 7)), duration: Picoseconds(80),
            programCounter: row)
        })
    }
    try writer.finish()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func expectHonesty(
    _ sound: [UInt8], _ desk: Desk, flips: Int, verbs: [[String]] = Self.verbs
  ) throws {
    let url = desk.folder.appendingPathComponent(Self.file)
    try Data(sound).write(to: url)
    try Data(sound).write(to: desk.folder.appendingPathComponent("sound.trntrace"))
    let before = verbs.map { desk.run(["trace"] + $0) }
    #expect(before.allSatisfy { $0.code == 0 || $0.code == 64 })
    var silent = 0
    for flip in 0..<flips {
      let place = (sound.count - 1) * flip / (flips - 1)
      var content = sound
      content[place] ^= 1 << (flip % 8)
      try Data(content).write(to: url)
      for (verb, expected) in zip(verbs, before) where expected.code == 0 {
        let answer = desk.run(["trace"] + verb)
        if answer == expected {
          silent += 1
          #expect(verb[0] != "verify", "byte \(place) went unnoticed")
          continue
        }
        #expect(answer.code == 65, "byte \(place): \(verb.joined(separator: " "))")
        #expect(!answer.errors.isEmpty || verb[0] == "verify", "byte \(place): \(verb)")
        guard verb.contains("json"), !answer.output.isEmpty else { continue }
        let document =
          try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
        let damage = try #require(document?["damage"] as? [Any], "\(verb)")
        #expect(!damage.isEmpty, "byte \(place): \(verb)")
      }
    }
    #expect(silent > 0, "a verb reads what it needs and no more")
  }

  @Test(arguments: ["events", "samples"]) func aFlippedBitIsSaidByEveryVerb(
    recording: String
  ) throws {
    let desk = try Desk()
    try expectHonesty(try record(recording, desk), desk, flips: 48)
  }

  @Test func aFlippedBitOfALongTraceIsSaidByEveryVerb() throws {
    let desk = try Desk()
    let verbs = Self.verbs.filter { $0[0] != "export" && !$0.contains("opcode") }
    try expectHonesty(try longTrace(desk), desk, flips: 16, verbs: verbs)
  }
}
