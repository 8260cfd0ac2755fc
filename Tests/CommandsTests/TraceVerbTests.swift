import Foundation
import TerminalUI
import Testing

/// The verbs that compare, explain and export traces, on runs that were really recorded.
@Suite struct TraceVerbTests {
  private static let base = "out/unknown/trn2/kernel/product.trntrace"
  private static let new = "out/unknown/trn3/kernel/product.trntrace"

  private func desk() throws -> Desk {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    for device in ["trn2", "trn3"] {
      let answer = desk.run(
        "run", "kernel/product", "--mode", "timing", "--device", device, "--trace", "events",
        "--output", "out")
      try #require(answer.code == 0, "\(answer.errors)")
    }
    return desk
  }

  private func document(_ answer: Desk.Answer) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
  }

  /// The sum of a key over parts.
  private func sum(_ parts: [[String: Any]], _ key: String) throws -> Int {
    try parts.reduce(0) { $0 + (try #require($1[key] as? Int)) }
  }

  /// Both splits of a difference add up to it, to the picosecond.
  private func expectExactSums(_ difference: [String: Any]) throws {
    let change = try #require(difference["change_ps"] as? Int)
    let base = try #require((difference["base"] as? [String: Any])?["duration_ps"] as? Int)
    let new = try #require((difference["new"] as? [String: Any])?["duration_ps"] as? Int)
    #expect(change == new - base)
    let path = try #require(difference["path"] as? [[String: Any]])
    let engines = try #require(difference["engines"] as? [[String: Any]])
    let groups = Dictionary(grouping: engines) { $0["engine"] as? String ?? "" }
    #expect(Set(groups.keys) == ["tensor", "vector", "scalar", "gpsimd", "sync"])
    for parts in [path] + groups.values {
      #expect(try sum(parts, "base_ps") == base)
      #expect(try sum(parts, "new_ps") == new)
      #expect(try sum(parts, "change_ps") == change)
    }
  }

  @Test func differencesAddUpToThePicosecond() throws {
    let desk = try desk()
    let forth = try document(desk.run("trace", "diff", Self.base, Self.new, "--format", "json"))
    try expectExactSums(forth)
    #expect(try #require(forth["change_ps"] as? Int) < 0)
    let back = try document(desk.run("trace", "diff", Self.new, Self.base, "--format", "json"))
    try expectExactSums(back)
    #expect(back["change_ps"] as? Int == (forth["change_ps"] as? Int).map { -$0 })
    let none = try document(desk.run("trace", "diff", Self.base, Self.base, "--format", "json"))
    try expectExactSums(none)
    #expect(none["change_ps"] as? Int == 0)
    #expect((none["instructions"] as? [Any])?.isEmpty == true)
  }

  @Test func nothingIsWrittenOverWhatIsReadOrIntoAFolder() throws {
    let desk = try desk()
    let before = try Data(contentsOf: desk.folder.appendingPathComponent(Self.base))
    let link = desk.folder.appendingPathComponent("link.trntrace")
    try FileManager.default.createSymbolicLink(
      at: link, withDestinationURL: desk.folder.appendingPathComponent(Self.base))
    for target in [Self.base, "./out/../" + Self.base, "link.trntrace", "out"] {
      let answer = desk.run("trace", "export", Self.base, "--to", "perfetto", "--output", target)
      #expect(answer.code == 64, "\(target): \(answer.errors)")
    }
    #expect(try Data(contentsOf: desk.folder.appendingPathComponent(Self.base)) == before)
    let report = desk.run("trace", "import", "report.json", "--output", "report.json")
    #expect(report.code == 64)
    #expect(report.errors.contains("would be lost"))
  }

  /// Other roundings and seeds have traces of their own, as they have results.
  @Test func tracesOfAnotherRoundingOrSeedStandBesideTheUsualOne() throws {
    let desk = try desk()
    let before = try Data(contentsOf: desk.folder.appendingPathComponent(Self.base))
    let run = ["run", "kernel/product", "--trace", "events", "--output", "out"]
    let variants = [(["--rounding", "stochastic"], "stochastic"), (["--seed", "3"], "seed3")]
    for (option, name) in variants {
      let answer = desk.run(run + ["--format", "json"] + option)
      #expect(answer.code == 0, "\(answer.errors)")
      #expect(answer.output.contains("product.\(name).trntrace"), "\(answer.output)")
    }
    #expect(try Data(contentsOf: desk.folder.appendingPathComponent(Self.base)) == before)
  }

  @Test func otherWorkloadsAreNotCompared() throws {
    let desk = try desk()
    let answer = desk.run(
      "run", "kernel/alpha", "--mode", "timing", "--trace", "events", "--output", "out")
    #expect(answer.code == 0)
    let other = "out/unknown/trn2/kernel/alpha.trntrace"
    let refused = desk.run("trace", "diff", Self.base, other)
    #expect(refused.code == 6)
    #expect(refused.errors.contains("--across-workloads"))
    let document = try document(
      desk.run("trace", "diff", Self.base, other, "--across-workloads", "--format", "json"))
    try expectExactSums(document)
    #expect((document["instructions"] as? [Any])?.isEmpty == false)
  }

  @Test func theScreensAreTheGolden() throws {
    let desk = try desk()
    let commands: [[String]] = [
      ["trace", "diff", Self.base, Self.new],
      ["trace", "diff", Self.base, Self.new, "--by", "engine"],
      ["trace", "diff", Self.base, Self.new, "--by", "instruction"],
      ["trace", "explain", Self.base, "--at", "4us", "--engine", "vector"],
      ["trace", "explain", Self.base, "--at", "100ns", "--engine", "tensor", "--format", "csv"],
      ["trace", "explain", Self.base, "--what-if", "dma=2x", "--what-if", "vector=1.5x"],
      ["trace", "explain", Self.base], ["trace", "explain", Self.base, "--at", "1s"],
      ["trace", "explain", Self.base, "--at", "1s", "--engine", "vector"],
      ["trace", "explain", Self.base, "--at", "1us", "--engine", "vectr"],
      ["trace", "explain", Self.base, "--what-if", "warp=2x"],
      ["trace", "explain", Self.base, "--what-if", "dma=0x"],
      ["trace", "export", Self.base, "--to", "csv", "--output", "missing/x.csv"],
      ["trace", "export", Self.base, "--to", "cvs", "--output", "x.csv"],
      ["trace", "export", "none.trntrace", "--to", "csv", "--output", "x.csv"],
    ]
    let text = commands.map { desk.transcript($0) }.joined(separator: "\n")
      .replacing(/\.swift:[0-9]+ */, with: ".swift:N")
    let difference = try goldenDifference(text, "trace-verbs.txt")
    #expect(difference == nil)
  }

  /// The chain goes back in time, from what the engine does at the moment.
  @Test func explanationsGoBackInTime() throws {
    let desk = try desk()
    let answer = desk.run(
      "trace", "explain", Self.base, "--at", "4us", "--engine", "vector", "--format", "csv")
    #expect(answer.code == 0)
    let lines = answer.output.split(separator: "\n").map { $0.split(separator: ",") }
    #expect(lines.count >= 4)
    let starts = try lines.dropFirst().map { try #require(Double($0[0])) }
    #expect(starts == starts.sorted(by: >))
    #expect(lines.contains { $0.contains("tensor") })
  }

  /// Who held whom back, and from which line, stands whole at any width; JSON has it in fields.
  @Test(arguments: [60, 80, 120]) func explanationsAreNeverCut(width: Int) throws {
    let desk = try desk()
    desk.terminal.width = width
    let command = ["trace", "explain", Self.base, "--at", "4us", "--engine", "vector"]
    let text = desk.run(command).output
    #expect(!text.contains("…"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
    let plain = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let explained = try document(desk.run(command + ["--format", "json"]))
    #expect(explained["state"] as? String == "busy")
    #expect(explained["engine"] as? String == "vector")
    #expect((explained["damage"] as? [Any])?.isEmpty == true)
    let links = try #require(explained["links"] as? [[String: Any]])
    #expect(links.count > 2)
    for (link, next) in zip(links, links.dropFirst()) {
      let producer = try #require(link["producer_engine"] as? String)
      #expect(producer == next["engine"] as? String)
      #expect(link["producer_index"] is Int && link["wait_ps"] is Int)
      let because = try #require(link["because"] as? String)
      #expect(because.contains("\(producer) \(next["instruction"] as? String ?? "")"))
      #expect(plain.contains(because))
      let file = try #require(link["source_file"] as? String)
      let line = try #require(link["source_line"] as? Int)
      #expect(plain.contains("\(file):\(line)"))
      if link["kind"] as? String == "semaphore" {
        let semaphore = try #require(link["semaphore"] as? Int)
        #expect(because.hasPrefix("semaphore \(semaphore) "))
      }
    }
  }

  /// Machines that are not changed lose nothing, faster and slower ones go the right way.
  @Test func whatIfTimesTheRecordedProgram() throws {
    let desk = try desk()
    func change(_ changes: String...) throws -> Int {
      let options = changes.flatMap { ["--what-if", $0] }
      let answer = desk.run(["trace", "explain", Self.base, "--format", "json"] + options)
      #expect(answer.code == 0, "\(answer.errors)")
      let difference = try document(answer)
      try expectExactSums(difference)
      return try #require(difference["change_ps"] as? Int)
    }
    #expect(try change("dma=1x") == 0)
    let faster = try change("dma=2x")
    #expect(faster < 0)
    #expect(try change("dma=0.5x") > 0)
    #expect(try change("dma=2x", "tensor=2x") <= faster)
    // Short names are those of the constants that they stand for.
    #expect(try change("sync=2x") == change("sequencer=2x"))
    #expect(try change("hbm=0.01x") == change("memory.hbmBytesPerSecondChip=0.01x"))
  }

  /// A dumb terminal, and a locale without other characters, get ASCII from every verb.
  @Test func pictureAndTablesHaveAnASCIIForm() throws {
    let desk = try desk()
    desk.terminal = Terminal(isTerminal: false, width: 60, hasColour: false, isASCII: true)
    let commands = [
      ["summary", Self.base], ["summary", Self.base, "--by", "opcode"],
      ["view", Self.base, "--static"], ["diff", Self.base, Self.new],
      ["explain", Self.base, "--at", "4us", "--engine", "vector"], ["counters", Self.base],
    ]
    for command in commands {
      let answer = desk.run(["trace"] + command)
      #expect(answer.code == 0)
      #expect(answer.output.utf8.allSatisfy { $0 < 0x80 }, "\(command)")
    }
    #expect(desk.run("trace", "summary", Self.base).output.contains("@"))
  }

  /// --to ends a part as in other verbs, beside the form that it names.
  @Test func aPartIsExportedToATime() throws {
    let desk = try desk()
    func export(_ options: String...) -> Desk.Answer {
      desk.run(["trace", "export", Self.base, "--output", "-"] + options)
    }
    let part = export("--to", "csv", "--from", "1us", "--to", "2us")
    #expect(part.code == 0, "\(part.errors)")
    #expect(part.output == export("--to", "csv", "--from", "1us", "--until", "2us").output)
    #expect(part.output.count < export("--to", "csv").output.count)
    for wrong in [
      export("--to", "2us"), export("--to", "csv", "--to", "chrome"),
      export("--to", "csv", "--to", "2us", "--until", "3us"),
      export("--to", "csv", "--from", "2us", "--to", "1us"),
    ] { #expect(wrong.code == 64, "\(wrong)") }
  }

  /// The same bytes in a new place, over an older file and on standard output, and nothing beside.
  @Test(arguments: ["perfetto", "chrome", "speedscope", "pprof", "csv"])
  func exportsReplaceWhatWasThere(form: String) throws {
    let desk = try desk()
    let folder = desk.folder.appendingPathComponent("exports")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let fresh = folder.appendingPathComponent("new")
    let old = folder.appendingPathComponent("old")
    try Data(repeating: 7, count: 1 << 20).write(to: old)
    for name in ["new", "old"] {
      let answer = desk.run(
        "trace", "export", Self.base, "--to", form, "--output", "exports/\(name)")
      #expect(answer.code == 0, "\(answer.errors)")
      #expect(answer.output.contains("exports/\(name)"))
    }
    let bytes = try Data(contentsOf: fresh)
    #expect(bytes.count > 1_000)
    #expect(try Data(contentsOf: old) == bytes)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["new", "old"])
    if ["chrome", "speedscope"].contains(form) {
      #expect(try JSONSerialization.jsonObject(with: bytes) is [String: Any])
      let printed = desk.run("trace", "export", Self.base, "--to", form, "--output", "-")
      #expect(printed.output == String(decoding: bytes, as: UTF8.self))
    }
    // The executable's standard output, where every byte counts.
    let piped = try Product().shell(
      "\"$TRNBENCH\" trace export \(Self.base) --to \(form) --output - > exports/piped", in: desk)
    #expect(piped.errors.isEmpty)
    let printed = folder.appendingPathComponent("piped")
    #expect(try Data(contentsOf: printed) == bytes)
    try FileManager.default.removeItem(at: printed)
    // A damaged trace is exported as far as it goes, over what is there.
    let trace = desk.folder.appendingPathComponent(Self.base)
    try Data(contentsOf: trace).dropLast(40).write(to: trace)
    let partial = desk.run("trace", "export", Self.base, "--to", form, "--output", "exports/old")
    #expect(partial.code == 65)
    #expect(partial.errors.contains("footer"))
  }
}
