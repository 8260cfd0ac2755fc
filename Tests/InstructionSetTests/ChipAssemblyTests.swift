import InstructionSet
import Testing

/// Programs of several cores as text.
@Suite struct ChipAssemblyTests {
  private let text = """
    .lnc 2
    .group 0 1
    .group 3 2
    .core 0 2
    .segment a
    .engine vector
    NOP
    .program
    .invoke a
    .core 1 3
    .segment b
    .engine sync
    NOP
    NOP
    .program
    .invoke b

    """

  @Test func sectionsBecomeProgramsOfCores() throws {
    let chip = try Assembly.parseChip(text)
    #expect(Assembly.isChip(text))
    #expect(!Assembly.isChip(".segment a\n.engine sync\nNOP\n"))
    #expect(chip.coresPerLogicalCore == 2)
    #expect(chip.groups == [[0, 1], [3, 2]])
    #expect(chip.cores.map(\.number) == [0, 1, 2, 3])
    #expect(chip.cores.map(\.program) == [0, 1, 0, 1])
    #expect(chip.programs.map { $0.segments[0].name } == ["a", "b"])
    #expect(chip.programs.map { $0.segments[0].instructions.count } == [1, 2])
  }

  @Test func canonicalTextReadsBackAsTheSame() throws {
    let canonical = Assembly.text(of: try Assembly.parseChip(text))
    #expect(Assembly.text(of: try Assembly.parseChip(canonical)) == canonical)
    #expect(canonical.contains(".core 0 2\n.segment a\n"))
    #expect(canonical.hasPrefix(".lnc 2\n.group 0 1\n.group 3 2\n.core 0 2\n"))
  }

  @Test(
    arguments: [
      (".core 0\n.segment a\n.core 0\n", 3, "core 0 has a program already"),
      (".segment a\n.core 0\n", 1, "'.segment' before '.core NUMBER'"),
      (".core\n", 1, "expected a core's number"),
      (".lnc 3\n.core 0\n", 1, "must lie in 1...2"),
      (".core 0\n.group 0\n", 2, "'.group' after the first '.core'"),
      (".core 0\n.segment a\n.engine vector\nNOPE\n", 4, "no instruction is named 'NOPE'"),
    ])
  func mistakesAreNamedWithTheirLine(text: String, line: Int, message: String) throws {
    do {
      _ = try Assembly.parseChip(text)
      Issue.record("the text was accepted")
    } catch {
      #expect(error.line == line)
      #expect(error.message.contains(message), "\(error.message)")
    }
  }
}
