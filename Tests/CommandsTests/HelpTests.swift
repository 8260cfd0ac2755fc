import Testing

@Suite struct HelpTests {
  @Test(arguments: [
    "", "list", "run", "trace", "trace summary", "trace verify", "compare", "device",
    "device show", "asm", "disasm", "doctor",
  ])
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

  @Test func verbsWithSubcommandsAreTheOnlyOnesWithoutExamples() throws {
    let desk = try Desk()
    for verb in ["list", "run", "compare", "asm", "disasm", "doctor"] {
      #expect(desk.run(verb, "--help").output.contains("EXAMPLES"), "\(verb)")
    }
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
