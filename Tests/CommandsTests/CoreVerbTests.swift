import Foundation
import Testing

/// What verbs say of a folder of several cores' traces, against what they say of each file.
@Suite struct CoreVerbTests {
  private static let folder = "out/unknown/trn2/program/load.cores"

  /// Two cores that load tiles; the second loads twice as many.
  private static func text(bytes: Int = 128) -> String {
    let source = "hbm:x:fp32@0{128:128,\(bytes):1}"
    return (0..<2).reduce(".lnc 2\n") { text, core in
      let round = """
        DMA_DIRECT2D dst=sbuf:fp32[0:128]@1024{\(bytes):1} src=\(source) update S0+=16
        MEMSET dst=sbuf:fp32[0:128]@0{4:1} value=1
        MEMSET dst=sbuf:fp32[0:128]@64{4:1} value=2 wait S0>=16

        """
      return text + ".core \(core)\n.segment part\(core)\n.tensor x 131072\n.engine gpsimd\n"
        + String(repeating: round, count: 5 * (core + 1))
    }
  }

  private func desk() throws -> Desk {
    let desk = try Desk()
    try record(desk, Self.text(), output: "out")
    return desk
  }

  private func record(_ desk: Desk, _ text: String, output: String) throws {
    try desk.write("load.trnasm", text)
    let run = desk.run(
      "run", "load.trnasm", "--mode", "timing", "--output", output, "--trace", "events")
    try #require(run.code == 0, "\(run.errors)")
  }

  private func document(_ answer: Desk.Answer) throws -> [String: Any] {
    try #require(answer.code == 0, "\(answer.errors)")
    return try #require(
      JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
  }

  @Test func countersAddUpOverCores() throws {
    let desk = try desk()
    let all = try document(desk.run("trace", "counters", Self.folder, "--format", "json"))
    #expect(all["schema"] as? Int == 1)
    let cores = try #require(all["cores"] as? [[String: Any]])
    #expect(cores.map { $0["core"] as? String } == ["0", "1"])
    for core in 0..<2 {
      let file = Self.folder + "/core\(core).trntrace"
      let own = try document(desk.run("trace", "counters", file, "--format", "json"))
      #expect(own as NSDictionary == cores[core]["counters"] as? NSDictionary)
    }
    let total = try #require(all["total"] as? [String: Any])
    func sum(_ counters: [String: Any]?, _ list: String, _ key: String) -> Int {
      (counters?[list] as? [[String: Any]] ?? []).reduce(0) { $0 + ($1[key] as? Int ?? 0) }
    }
    for (list, key) in [
      ("memories", "read_bytes"), ("memories", "written_bytes"), ("rings", "bytes"),
      ("rings", "triggers"), ("semaphores", "updates"), ("semaphores", "waits"),
    ] {
      let parts = cores.map { sum($0["counters"] as? [String: Any], list, key) }
      #expect(parts[0] > 0 && parts[1] == 2 * parts[0], "\(key) \(parts)")
      #expect(sum(total, list, key) == parts[0] + parts[1])
    }
    // What a partition holds at most does not add up.
    func high(_ counters: [String: Any]?) -> [Int?] {
      (counters?["memories"] as? [[String: Any]] ?? []).map { $0["high_water_bytes"] as? Int }
    }
    #expect(high(total) == high(cores[0]["counters"] as? [String: Any]))
    let table = desk.run("trace", "counters", Self.folder, "--of", "rings", "--format", "csv")
    let lines = table.output.split(separator: "\n")
    #expect(lines[0].hasPrefix("core,ring,triggers"))
    #expect(lines.dropFirst().map { $0.prefix { $0 != "," } } == ["0", "1", "all"])
  }

  @Test func oneCoreIsChosen() throws {
    let desk = try desk()
    let questions = [
      ["explain", "--at", "1us", "--engine", "gpsimd"], ["view", "--static", "--width", "80"],
    ]
    for question in questions {
      let (verb, options) = (question[0], Array(question.dropFirst()))
      let file = desk.run(["trace", verb, Self.folder + "/core1.trntrace"] + options)
      let core = desk.run(["trace", verb, Self.folder, "--core", "1"] + options)
      #expect(file.code == 0 && core.code == 0, "\(core.errors)")
      // The picture's first line names what was opened.
      #expect(
        core.output.split(separator: "\n").dropFirst()
          == file.output.split(separator: "\n").dropFirst())
      let none = desk.run(["trace", verb, Self.folder] + options)
      #expect(none.code == 64 && none.errors.contains("a trace of each core: 0, 1"))
      #expect(none.errors.contains("--core"))
      let other = desk.run(["trace", verb, Self.folder, "--core", "7"] + options)
      #expect(other.code == 64 && other.errors.contains("--core: expected one of 0, 1, found '7'"))
      let single = desk.run(
        ["trace", verb, Self.folder + "/core1.trntrace", "--core", "1"] + options)
      #expect(single.code == 64 && single.errors.contains("leave --core out"))
    }
  }

  @Test func differencesAddUpOverCores() throws {
    let desk = try desk()
    try record(desk, Self.text(bytes: 512), output: "new")
    let new = Self.folder.replacing("out/", with: "new/")
    let all = try document(desk.run("trace", "diff", Self.folder, new, "--format", "json"))
    #expect(all["schema"] as? Int == 1)
    let cores = try #require(all["cores"] as? [[String: Any]])
    var changes: [Int] = []
    for core in 0..<2 {
      let files = [Self.folder, new].map { $0 + "/core\(core).trntrace" }
      let own = try document(desk.run(["trace", "diff"] + files + ["--format", "json"]))
      #expect(own as NSDictionary == cores[core]["difference"] as? NSDictionary)
      changes.append(try #require(own["change_ps"] as? Int))
    }
    #expect(changes[0] > 0 && changes[1] > 0)
    let total = try #require(all["total"] as? [String: Any])
    func sum(_ key: String, of engine: String? = nil) -> Int {
      (total[key] as? [[String: Any]] ?? []).reduce(0) { sum, part in
        let isCounted = engine == nil || part["engine"] as? String == engine
        return sum + (isCounted ? part["change_ps"] as? Int ?? 0 : 0)
      }
    }
    #expect(total["change_ps"] as? Int == changes[0] + changes[1])
    #expect(sum("path") == changes[0] + changes[1])
    for engine in ["tensor", "gpsimd"] {
      #expect(sum("engines", of: engine) == changes[0] + changes[1])
    }
    let run = (total["new_ps"] as? Int ?? 0) - (total["base_ps"] as? Int ?? 0)
    #expect(run == changes[1])
    let table = desk.run("trace", "diff", Self.folder, new)
    #expect(table.code == 0 && table.output.contains("core 1") && table.output.contains("run "))
    let rows = desk.run("trace", "diff", Self.folder, new, "--format", "csv").output
    #expect(rows.hasPrefix("core,engine,cause,kernel"))
    #expect(rows.contains("\n0,total,") && rows.contains("\nall,total,"))
    let instructions = desk.run("trace", "diff", Self.folder, new, "--by", "instruction")
    #expect(instructions.code == 0 && instructions.output.contains("DMA_DIRECT2D"))
  }

  @Test func differentFoldersAreNotCompared() throws {
    let desk = try desk()
    let mixed = desk.run("trace", "diff", Self.folder, Self.folder + "/core0.trntrace")
    #expect(mixed.code == 6 && mixed.errors.contains("give two traces, or two folders"))
    let copy = desk.folder.appendingPathComponent("less.cores")
    try FileManager.default.copyItem(
      at: desk.folder.appendingPathComponent(Self.folder), to: copy)
    try FileManager.default.removeItem(at: copy.appendingPathComponent("core1.trntrace"))
    let fewer = desk.run("trace", "diff", Self.folder, "less.cores")
    #expect(fewer.code == 6 && fewer.errors.contains("other cores, 0, 1 and 0;"))
  }
}
