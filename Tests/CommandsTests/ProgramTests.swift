import Commands
import Foundation
import InstructionSet
import Testing

@Suite struct ProgramTests {
  private static let legal = """
    # Loads a tile, doubles it, stores it.
    .segment double
    .tensor x 65536
    .tensor y 65536
    .engine sync
    DMA_DIRECT2D dst=sbuf:fp32[0:128]@0{128:1} src=hbm:x:fp32@0{128:128,128:1} update S0+=16
    DMA_DIRECT2D dst=hbm:y:fp32@0{128:128,128:1} src=sbuf:fp32[0:128]@512{128:1} wait S1>=1 update S2+=16
    NOP wait S2>=16
    .engine vector
    TENSOR_SCALAR dst=sbuf:fp32[0:128]@512{128:1} src=sbuf:fp32[0:128]@0{128:1} op0=mul \
    s0=2.0 wait S0>=16 update S1+=1

    """

  @Test func legalProgramsAreSummedUpAndPrintedInOneForm() throws {
    let desk = try Desk()
    try desk.write("double.trnasm", Self.legal)
    var text = desk.transcript(["asm", "double.trnasm", "--output", "canonical.trnasm"])
    text += "\n" + desk.transcript(["disasm", "double.trnasm"])
    text += "\n" + desk.transcript(["asm", "double.trnasm", "--format", "json"])
    let difference = try goldenDifference(text, "programs.txt")
    #expect(difference == nil)
    let canonical = try String(
      contentsOf: desk.folder.appendingPathComponent("canonical.trnasm"), encoding: .utf8)
    #expect(canonical == desk.run("disasm", "double.trnasm").output)
    #expect(desk.run("disasm", "canonical.trnasm").output == canonical)
  }

  @Test func mistakesHaveLineColumnAndCaret() throws {
    let desk = try Desk()
    try desk.write(
      "unknown.trnasm", ".segment s\n.engine vector\nTENSOR_SCALER dst=sbuf:fp32[0:128]@0{1:1}\n")
    try desk.write("engine.trnasm", ".segment s\n.engine vectr\n")
    try desk.write(
      "illegal.trnasm",
      Self.legal.replacingOccurrences(of: "@512{128:1} src=sbuf", with: "@300000{128:1} src=sbuf"))
    try desk.write(
      "queue.trnasm", Self.legal.replacingOccurrences(of: ".engine vector", with: ".engine tensor"))
    let commands: [[String]] = [
      ["asm", "unknown.trnasm"], ["asm", "engine.trnasm"], ["asm", "illegal.trnasm"],
      ["run", "queue.trnasm"], ["asm", "missing.trnasm"], ["disasm", "Workloads.trnasm"],
      ["asm", "double.trnasm", "--device", "trn4"], ["disasm", "pair"],
      ["disasm", "kernel/nothing"],
    ]
    let text = commands.map { desk.transcript($0) }.joined(separator: "\n")
    let difference = try goldenDifference(text, "program-mistakes.txt")
    #expect(difference == nil)
  }

  @Test func programsAreRunByTheNameOfTheirFile() throws {
    let desk = try Desk()
    try desk.write("folder/double.trnasm", Self.legal)
    let seen = SeenItems()
    desk.executor = seen
    #expect(desk.run("run", "folder/double.trnasm", "kernel/alpha", "--device", "trn2").code == 0)
    #expect(seen.items.map(\.name) == ["program/double", "kernel/alpha"])
    guard case .program(let program, _)? = seen.items.first?.work else {
      Issue.record("not a program")
      return
    }
    #expect(program.segments.map(\.name) == ["double"])
  }

  @Test func everyInterfaceOperationIsListedWithItsLaw() throws {
    let desk = try Desk()
    let answer = desk.run("list", "instructions", "--format", "json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    let rows = try #require(document["instructions"] as? [[String: Any]])
    #expect(rows.compactMap { $0["name"] as? String } == InterfaceOperation.all.map(\.name))
    #expect(rows.allSatisfy { ($0["cost"] as? String)?.isEmpty == false })
    #expect(
      desk.run("list", "instructions").output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }
}
