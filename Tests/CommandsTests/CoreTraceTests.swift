import Foundation
import Testing
import TraceFile
import Units

/// Traces of cores that run side by side: a file for each, read together and by themselves.
@Suite struct CoreTraceTests {
  /// Two cores of a logical core that load, exchange and meet; the second comes later.
  private static func pair(rounds: Int) -> String {
    (0..<2).reduce(".lnc 2\n") { text, core in
      let late = core == 1 ? "MEMSET dst=sbuf:fp32[0:128]@8192{4096:1} value=3\n" : ""
      let round = """
        DMA_DIRECT2D dst=sbuf:fp32[0:128]@1024{128:1} src=hbm:x:fp32@0{128:128,128:1} update S0+=16
        \(late)MEMSET dst=sbuf:fp32[0:128]@0{4:1} value=1
        SENDRECV dst=sbuf:fp32[0:128]@64{4:1} src=sbuf:fp32[0:128]@0{4:1} to=\(1 - core) from=\(1 - core)

        """
      return text + ".core \(core)\n.segment part\(core)\n.tensor x 65536\n.engine gpsimd\n"
        + String(repeating: round, count: rounds)
    }
  }

  private func desk(_ options: String..., rounds: Int = 20, output: String = "out") throws -> Desk {
    let desk = try Desk()
    try desk.write("swap.trnasm", Self.pair(rounds: rounds))
    let run = desk.run(
      ["run", "swap.trnasm", "--mode", "timing", "--output", output, "--trace"] + options)
    #expect(run.code == 0, "\(run.errors)")
    return desk
  }

  private static let folder = "out/unknown/trn2/program/swap.cores"

  private func events(_ desk: Desk, _ core: Int, _ track: TrackID) throws -> [TraceEvent] {
    let path = desk.folder.appendingPathComponent("\(Self.folder)/core\(core).trntrace").path
    let reader = try TraceReader(path: path)
    #expect(reader.metadata.entries["core"] == "\(core)")
    #expect(reader.metadata.entries["core_count"] == "2")
    var events: [TraceEvent] = []
    #expect(try reader.readEvents(track: track) { events += $0 }.isEmpty)
    return events
  }

  private func bytes(_ desk: Desk, _ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: desk.folder.appendingPathComponent(path)))
  }

  @Test func everyCoreHasItsFile() throws {
    let desk = try desk("events")
    let own = try (0..<2).map { try events(desk, $0, .gpsimd) }
    #expect(own.map(\.count) == [60, 80])
    #expect(try events(desk, 1, .dma(15)).count == 20)
    // Core 0 waits at each exchange for core 1, as long as core 1 needs longer for its round.
    let swaps = [
      own[0].filter { $0.programCounter % 3 == 2 }, own[1].filter { $0.programCounter % 4 == 3 },
    ]
    #expect(zip(swaps[0], swaps[1]).allSatisfy { $0.end == $1.end })
    #expect(swaps[0].allSatisfy { $0.wait.value > 0 && $0.stallCause == .semaphore })
    #expect(swaps[1].allSatisfy { $0.wait.value == 0 })
    // Nothing is counted twice, although rows of one engine overlap.
    for core in 0..<2 {
      let path = desk.folder.appendingPathComponent("\(Self.folder)/core\(core).trntrace").path
      let summary = try TraceReader(path: path).summary
      for track in summary.tracks {
        #expect(track.busy + track.stall.reduce(0, +) <= summary.end)
      }
      let track = summary.tracks[Int(TrackID.gpsimd.rawValue)]
      #expect((track.stall[1] > summary.end / 10) == (core == 0))
    }
  }

  @Test func theFolderIsSummedUpVerifiedAndExported() throws {
    let desk = try desk("events")
    let table = desk.run("trace", "summary", Self.folder, "--format", "csv")
    #expect(table.code == 0, "\(table.errors)")
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[0].hasPrefix("core,duration_us,tensor_percent"))
    #expect(lines[0].hasSuffix("bytes,mfu_percent,meetings_us"))
    #expect(lines[1].hasPrefix("0,") && lines[2].hasPrefix("1,") && lines[3].hasPrefix("all,"))
    let groups = desk.run("trace", "summary", Self.folder, "--by", "opcode", "--format", "csv")
    for core in ["0", "1", "all"] { #expect(groups.output.contains("\n\(core),SENDRECV,")) }
    let json = desk.run("trace", "summary", Self.folder, "--format", "json")
    let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(document?["schema"] as? Int == 1)
    let cores = try #require(document?["cores"] as? [[String: Any]])
    #expect(cores.map { $0["core"] as? String } == ["0", "1"])
    #expect(cores.allSatisfy { $0["summary"] is [String: Any] })
    #expect(desk.run("trace", "verify", Self.folder).code == 0)
    let export = desk.run(
      "trace", "export", Self.folder, "--to", "perfetto", "--output", "all.pftrace")
    #expect(export.code == 0, "\(export.errors)")
    let one = desk.run(
      "trace", "export", Self.folder + "/core0.trntrace", "--to", "perfetto", "--output",
      "one.pftrace")
    #expect(one.code == 0)
    let (all, first) = (try bytes(desk, "all.pftrace"), try bytes(desk, "one.pftrace"))
    // Each core is a process of its own: the first as if it were alone, and then the second.
    #expect(all.starts(with: first) && all.count > 2 * first.count)
    #expect(desk.run("trace", "export", Self.folder, "--to", "chrome", "--output", "x").code == 64)
  }

  /// A folder says what each of its files says, and all of them added up.
  @Test func theFolderHasTheTablesOfItsFiles() throws {
    let desk = try desk("events")
    let files = (0..<2).map { "\(Self.folder)/core\($0).trntrace" }
    let all = desk.run("trace", "summary", Self.folder)
    for (core, file) in files.enumerated() {
      let own = desk.run("trace", "summary", file)
      #expect(own.code == 0 && all.output.contains("\ncore \(core)\n" + own.output))
      #expect(desk.run("trace", "summary", Self.folder, "--core", "\(core)") == own)
      for form in ["csv", "chrome"] {
        let export = ["trace", "export", "--output", "-", "--to", form]
        #expect(
          desk.run(export + [Self.folder, "--core", "\(core)"]) == desk.run(export + [file]))
      }
      let diff = desk.run("trace", "diff", Self.folder, Self.folder, "--core", "\(core)")
      #expect(diff.code == 0 && diff.output.contains("timeline, one scale"))
    }
    // The table of instructions has a line more for the core, and nothing else.
    let tables = files.map { file in
      desk.run("trace", "export", file, "--to", "csv", "--output", "-").output
        .split(separator: "\n")
    }
    let table = desk.run("trace", "export", Self.folder, "--to", "csv", "--output", "-")
    var expected = ["core,\(tables[0][0])"]
    for (core, lines) in tables.enumerated() {
      for line in lines.dropFirst() { expected.append("\(core),\(line)") }
    }
    #expect(table.output.split(separator: "\n").map(String.init) == expected)
    func sum(_ answer: Desk.Answer, _ name: String, _ column: Int) throws -> Double {
      var total = 0.0
      for line in answer.output.split(separator: "\n") {
        let fields = line.split(separator: ",")
        if fields[0] == name { total += try #require(Double(fields[column])) }
      }
      return total
    }
    let groups = desk.run("trace", "summary", Self.folder, "--by", "opcode", "--format", "csv")
    for column in 2...5 {
      let parts = try sum(groups, "0", column) + sum(groups, "1", column)
      #expect(abs(try sum(groups, "all", column) - parts) < 1e-6)
    }
  }

  @Test func verifyingAFolderIsOneDocumentThatNamesTheCore() throws {
    let desk = try desk("events")
    func document() throws -> (code: Int32, damage: [[String: Any]]) {
      let answer = desk.run("trace", "verify", Self.folder, "--format", "json")
      let object = try JSONSerialization.jsonObject(with: Data(answer.output.utf8))
      let damage = (object as? [String: Any])?["damage"] as? [[String: Any]]
      return (answer.code, try #require(damage))
    }
    let whole = try document()
    #expect(whole.code == 0 && whole.damage.isEmpty)
    let file = desk.folder.appendingPathComponent("\(Self.folder)/core1.trntrace")
    let content = try Data(contentsOf: file)
    try content.prefix(content.count * 2 / 3).write(to: file)
    let cut = try document()
    #expect(cut.code == 65 && !cut.damage.isEmpty)
    #expect(cut.damage.allSatisfy { $0["core"] as? String == "1" })
  }

  @Test func tracesOfSeveralRunsAreNoCores() throws {
    let desk = try desk("events")
    let manager = FileManager.default
    let folder = desk.folder.appendingPathComponent("mixed")
    try manager.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in ["a", "b"] {
      try manager.copyItem(
        at: desk.folder.appendingPathComponent("\(Self.folder)/core0.trntrace"),
        to: folder.appendingPathComponent("\(name).trntrace"))
    }
    let answer = desk.run("trace", "summary", "mixed")
    #expect(answer.code == 64)
    #expect(answer.errors.contains("not the cores of one run"), "\(answer.errors)")
  }

  @Test func aFolderWithoutTracesIsRefused() throws {
    let desk = try Desk()
    try desk.write("empty/x.txt", "x")
    for verb in ["summary", "verify", "counters", "explain", "view"] {
      let answer = desk.run("trace", verb, "empty")
      #expect(answer.code == 64)
      #expect(answer.errors.contains("the folder empty holds no traces"))
    }
  }

  @Test(arguments: [["events"], ["samples", "--sample-interval", "50ns"]])
  func theSameRunGivesTheSameBytes(options: [String]) throws {
    let files = try (0..<2).map { _ -> [[UInt8]] in
      let desk = try Desk()
      try desk.write("swap.trnasm", Self.pair(rounds: 300))
      let run = desk.run(
        ["run", "swap.trnasm", "--mode", "timing", "--output", "out", "--trace"] + options)
      #expect(run.code == 0, "\(run.errors)")
      return try (0..<2).map { try bytes(desk, "\(Self.folder)/core\($0).trntrace") }
    }
    #expect(files[0] == files[1])
    #expect(files[0][0] != files[0][1])
  }
}
