import Foundation
import Testing

@Suite struct HelpTests {
  /// Every verb, the program itself first.
  static let verbs = [
    "", "list", "run", "trace", "trace summary", "trace view", "trace explain", "trace diff",
    "trace counters", "trace export", "trace verify", "trace import", "replay", "compare",
    "device", "device show", "device diff", "asm", "disasm", "validate", "doctor",
  ]

  @Test(arguments: verbs)
  func everyVerbTeachesWithinEightyColumns(verb: String) throws {
    let desk = try Desk()
    let words = verb.split(separator: " ").map(String.init)
    let answer = desk.run(words + ["--help"])
    #expect(answer.code == 0)
    #expect(answer.errors.isEmpty)
    #expect(answer.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let name = (["help"] + words).joined(separator: "-") + ".txt"
    let difference = try goldenDifference(answer.output, name)
    #expect(difference == nil)
  }

  @Test func everyVerbHasAnExampleOfItself() throws {
    let desk = try Desk()
    for verb in Self.verbs {
      let help = desk.run(verb.split(separator: " ").map(String.init) + ["--help"]).output
      let parts = help.components(separatedBy: "\nEXAMPLES\n")
      #expect(parts.count == 2, "\(verb)")
      let command = verb.isEmpty ? "trnbench" : "trnbench \(verb)"
      #expect(parts.last?.contains("  \(command) ") == true, "\(verb)")
    }
  }

  /// A verb that is added has to be added to the list above.
  @Test func theListOfVerbsIsWhole() throws {
    let desk = try Desk()
    var found = [""]
    for parent in ["", "trace", "device"] {
      let words = parent.isEmpty ? [] : [parent]
      let help = desk.run(words + ["--help"]).output
      let part = help.components(separatedBy: "\nSUBCOMMANDS:\n").last ?? ""
      for line in part.split(separator: "\n") where line.hasPrefix("  ") {
        guard let name = line.dropFirst(2).split(separator: " ").first,
          line.dropFirst(2).first != " ",
          name != "See"
        else { continue }
        found.append((words + [String(name)]).joined(separator: " "))
      }
    }
    #expect(found.sorted() == Self.verbs.sorted())
  }

  /// `docs/trnbench.1` holds what the verbs' own help says; `RECORD_SNAPSHOTS=1` rewrites it.
  @Test func theManualPageIsFresh() throws {
    let desk = try Desk()
    let page = ManualPage(verbs: Self.verbs) { desk.run($0 + ["--help"]).output }
    let difference = try goldenDifference(page.text, "../../../docs/trnbench.1")
    #expect(difference == nil)
  }

  @Test func helpVersionAndCompletionsSucceed() throws {
    let desk = try Desk()
    #expect(desk.run() == desk.run("--help"))
    #expect(desk.run("help", "run").output == desk.run("run", "--help").output)
    #expect(desk.run("--version").output.contains("."))
    for shell in ["bash", "zsh", "fish"] {
      let answer = desk.run("--generate-completion-script", shell)
      #expect(answer.code == 0)
      #expect(answer.output.contains("sample-interval"))
    }
  }
}
