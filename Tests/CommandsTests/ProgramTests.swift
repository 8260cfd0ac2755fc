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
    guard case .program(let program)? = seen.items.first?.work else {
      Issue.record("not a program")
      return
    }
    #expect(program.segments.map(\.name) == ["double"])
  }

  @Test func aProgramFileRunsWhereNoCatalogIs() throws {
    let desk = try Desk()
    try desk.write("double.trnasm", Self.legal)
    try FileManager.default.removeItem(at: desk.folder.appendingPathComponent("Workloads"))
    desk.executor = BenchmarkExecutor()
    let answer = desk.run("run", "double.trnasm", "--format", "csv")
    #expect(answer.code == 0, "\(answer.errors)")
    #expect(answer.output.contains("program/double"))
  }

  private static let pair = """
    .lnc 2
    .core 0
    .segment first
    .engine gpsimd
    MEMSET dst=sbuf:fp32[0:128]@0{4:1} value=1
    SENDRECV dst=sbuf:fp32[0:128]@64{4:1} src=sbuf:fp32[0:128]@0{4:1} to=1 from=1
    .core 1
    .segment second
    .engine gpsimd
    MEMSET dst=sbuf:fp32[0:128]@0{4:1} value=2
    SENDRECV dst=sbuf:fp32[0:128]@64{4:1} src=sbuf:fp32[0:128]@0{4:1} to=0 from=0

    """

  @Test func programsOfSeveralCoresRunTogether() throws {
    let desk = try Desk()
    try desk.write("swap.trnasm", Self.pair)
    try desk.write("alone.trnasm", Self.pair.replacingOccurrences(of: ".lnc 2", with: ".lnc 1"))
    let run = desk.run("run", "swap.trnasm", "--format", "json")
    #expect(run.code == 0, "\(run.errors)")
    let document = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    let result = (document?["runs"] as? [[String: Any]])?.first
    #expect((result?["model"] as? [String: Any])?["instructions"] as? Int == 4)
    let refused = desk.run("run", "alone.trnasm")
    #expect(refused.code == 64)
    #expect(refused.errors.contains("needs a logical core of two cores (LNC=2)"))
    #expect(desk.run("asm", "swap.trnasm", "-o", "swap.trnp").code == 64)
    let text = desk.run("disasm", "swap.trnasm").output
    try desk.write("again.trnasm", text)
    #expect(desk.run("disasm", "again.trnasm").output == text)
    #expect(text.hasPrefix(".lnc 2\n.core 0\n.segment first\n"))
  }

  @Test func programsGoToBytesAndBack() throws {
    let desk = try Desk()
    try desk.write("double.trnasm", Self.legal)
    #expect(desk.run("asm", "double.trnasm", "-o", "double.trnp").code == 0)
    let text = desk.run("disasm", "double.trnasm").output
    #expect(desk.run("disasm", "double.trnp").output == text)
    #expect(desk.run("asm", "double.trnp", "--output", "again.trnasm").code == 0)
    let again = try String(
      contentsOf: desk.folder.appendingPathComponent("again.trnasm"), encoding: .utf8)
    #expect(again == text)
    let seen = SeenItems()
    desk.executor = seen
    #expect(desk.run("run", "double.trnp", "--device", "trn2").code == 0)
    #expect(seen.items.map(\.name) == ["program/double"])
  }

  @Test func damagedBytesHaveTheirOwnExitCode() throws {
    let desk = try Desk()
    try desk.write("double.trnasm", Self.legal)
    _ = desk.run("asm", "double.trnasm", "-o", "double.trnp")
    let url = desk.folder.appendingPathComponent("double.trnp")
    let bytes = try Data(contentsOf: url)
    for (name, damaged) in [
      ("cut", bytes.prefix(bytes.count - 9)), ("changed", bytes.dropLast() + [0x55]),
      ("text", Data("NOP".utf8)),
    ] {
      try Data(damaged).write(to: desk.folder.appendingPathComponent("\(name).trnp"))
      let answer = desk.run("asm", "\(name).trnp")
      #expect(answer.code == 65)
      #expect(answer.errors.hasPrefix("error: DESK/\(name).trnp: "))
    }
    #expect(desk.run("asm", "cut.trnp").errors.contains("copy it again"))
  }

  @Test func everyInterfaceOperationIsListedWithItsLaw() throws {
    let desk = try Desk()
    for (device, generation) in [("trn1", 2), ("trn2", 3), ("trn3", 4)] {
      let answer = desk.run("list", "instructions", "--device", device, "--format", "json")
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
      let rows = try #require(document["instructions"] as? [[String: Any]])
      let present = InterfaceOperation.all.filter { !$0.engines(generation: generation).isEmpty }
      #expect(rows.compactMap { $0["name"] as? String } == present.map(\.name))
      #expect(rows.allSatisfy { ($0["cost"] as? String)?.isEmpty == false })
    }
    let missing = desk.run("list", "instructions", "--device", "trn1", "--format", "csv").output
    #expect(!missing.contains("sendrecv"))
    #expect(
      desk.run("list", "instructions").output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }
}
