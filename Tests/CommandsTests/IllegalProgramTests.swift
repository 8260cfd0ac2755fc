import Foundation
import InstructionSet
import Testing

/// Programs that a device refuses: one for each operand rule, with its line and its exit code.
@Suite struct IllegalProgramTests {
  /// One instruction that breaks a rule, and the engine whose queue holds it.
  private static let programs: [(rule: String, engine: String, line: String)] = [
    ("engine", "tensor", "MEMSET dst=sbuf:fp32[0:128]@0{4:1} value=1"),
    ("partition-start", "vector", "MEMSET dst=sbuf:fp32[33:34]@0{4:1} value=1"),
    ("partition-count", "vector", "MEMSET dst=sbuf:fp32[0:129]@0{4:1} value=1"),
    ("out-of-bounds", "vector", "MEMSET dst=sbuf:fp32[0:128]@300000{4:1} value=1"),
    ("alignment", "vector", "MEMSET dst=sbuf:fp32[0:128]@6{4:1} value=1"),
    ("elements", "vector", "MEMSET dst=sbuf:uint8[0:128]@0{2:0,40000:1} value=1"),
    ("dimensions", "vector", "MEMSET dst=sbuf:fp32[0:128]@0{1:1,1:1,1:1,1:1,4:1} value=1"),
    ("space", "gpsimd", "COPY dst=sbuf:fp32[0:128]@0{4:1} src=psum:fp32[0:128]@0{4:1}"),
    ("format", "vector", "BN_STATS dst=sbuf:bf16[0:128]@0{6:1} src=sbuf:fp32[0:128]@64{8:1}"),
    ("columns", "vector", "COPY dst=sbuf:fp32[0:128]@0{4:1} src=sbuf:fp32[0:128]@64{5:1}"),
    ("partitions", "vector", "COPY dst=sbuf:fp32[0:128]@0{4:1} src=sbuf:fp32[0:64]@64{4:1}"),
    (
      "both-in-psum", "vector",
      "TENSOR_TENSOR dst=sbuf:fp32[0:128]@0{4:1} a=psum:fp32[0:128]@0{4:1} "
        + "b=psum:fp32[0:128]@64{4:1} op=add"
    ),
    (
      "value", "gpsimd",
      "TENSOR_SCALAR_AFFINE_SELECT dst=sbuf:fp32[0:128]@0{4:1} src=sbuf:fp32[0:128]@64{4:1} "
        + "op=add steps={1}"
    ),
    ("register", "vector", "MOVE rd=r64 rb=1"),
    (
      "semaphore", "sync",
      "DMA_DIRECT2D dst=sbuf:fp32[0:128]@0{4:1} "
        + "src=hbm:x:fp32@0{128:4,4:1} update S0+=3"
    ),
    ("branch", "vector", "COMPARE_BRANCH ra=r0 if=lt rb=1 target=9"),
    (
      "tensor", "sync",
      "DMA_DIRECT2D dst=sbuf:fp32[0:128]@0{4:1} src=hbm:y:fp32@0{128:4,4:1} update S0+=16"
    ),
    (
      "tensor-end", "sync",
      "DMA_DIRECT2D dst=sbuf:fp32[0:128]@0{8:1} src=hbm:x:fp32@0{128:8,8:1} update S0+=16"
    ),
  ]

  @Test func everyRuleHasAMessageWithItsLineAndSixtyFour() throws {
    let desk = try Desk()
    var text = ""
    for program in Self.programs {
      try desk.write(
        "\(program.rule).trnasm",
        ".segment s\n.tensor x 2048\n.engine \(program.engine)\n\(program.line)\n")
      for verb in ["asm", "run"] {
        let answer = desk.run(verb, "\(program.rule).trnasm")
        #expect(answer.code == 64, "\(program.rule): \(answer.output)\(answer.errors)")
        #expect(answer.errors.contains("\(program.rule).trnasm:4:"), "\(answer.errors)")
        #expect(answer.output.isEmpty)
        if verb == "asm" { text += answer.errors + "\n" }
      }
    }
    let difference = try goldenDifference(text, "illegal-programs.txt")
    #expect(difference == nil)
  }

  @Test func aDeadlockSaysWhoWaitsForWhom() throws {
    let desk = try Desk()
    try desk.write(
      "stuck.trnasm",
      """
      .segment stuck
      .engine vector
      NOP wait S1>=1 update S0+=1
      .engine scalar
      NOP wait S0>=1 update S1+=1
      .engine sync
      NOP wait S7==3

      """)
    let text = [["run", "stuck.trnasm"], ["run", "stuck.trnasm", "--mode", "timing"]]
      .map { desk.transcript($0) }.joined(separator: "\n")
    let difference = try goldenDifference(text, "deadlock.txt")
    #expect(difference == nil)
    #expect(desk.run("run", "stuck.trnasm").code == 3)
  }

  @Test func aRaceIsReportedUnderCheckWithBothInstructions() throws {
    let desk = try Desk()
    try desk.write(
      "race.trnasm",
      """
      .segment race
      .engine vector
      MEMSET dst=sbuf:fp32[0:128]@0{64:1} value=1
      .engine scalar
      COPY dst=sbuf:fp32[0:128]@1024{64:1} src=sbuf:fp32[0:128]@0{64:1}

      """)
    #expect(desk.run("run", "race.trnasm").code == 0)
    let checked = desk.run("run", "race.trnasm", "--check")
    #expect(checked.code == 3)
    #expect(checked.errors.contains("MEMSET #0 on vector"))
    #expect(checked.errors.contains("COPY #1 on scalar"))
    #expect(checked.errors.contains("not ordered"))
    let difference = try goldenDifference(checked.errors, "race.txt")
    #expect(difference == nil)
  }
}
