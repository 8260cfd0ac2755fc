import Testing

/// What lowering makes of small workloads, instruction by instruction: a change of a kernel, of the
/// builder or of the assembler's text shows here as a difference that a person can read.
@Suite struct LoweringGoldenTests {
  @Test(arguments: [
    ("softmax", SmallWorkloads.softmax), ("rmsnorm", SmallWorkloads.normalisation),
    ("tile", SmallWorkloads.tile),
  ])
  func loweredProgramsStayAsTheyAre(_ name: String, _ text: String) throws {
    let desk = try Desk()
    try desk.write("Workloads/kernel/\(name).yaml", text)
    let answer = desk.run("disasm", "kernel/\(name)", "--device", "trn2")
    #expect(answer.code == 0)
    #expect(answer.output.split(separator: "\n").count < 200)
    let difference = try goldenDifference(answer.output, "lowered-\(name).trnasm")
    #expect(difference == nil)
  }
}
