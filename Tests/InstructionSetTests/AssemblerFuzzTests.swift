import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Whatever a text says, the assembler answers with a program or with the place of a mistake, and
/// what it read can be printed, stored, checked against every device and timed.
@Suite struct AssemblerFuzzTests {
  private static let words =
    Opcode.allCases.map(\.name)
    + [
      ".segment s\n", ".engine vector\n", ".engine tensor\n", ".engine gpsimd\n", ".engine sync\n",
      ".tensor t 64\n", ".buffer b sbuf[0:128]@0 64 life=1:2\n", ".program\n", ".invoke s\n",
      ".invoke s %0 layer=x\n", " undefined", " alias=%0", " wait S0>=1", " update S255-=1",
      " ; a.swift:1", "{1:1}", "{0:0}", "{65535:-32768,1:1}", "+r63", "@4294967295", "[0:255]",
      "psum:", "sbuf:", "hbm:%0:", ":fp8e4m3fnx4", ":uint8", "nan", "-inf", "1e39", "-",
      "99999999999999999999", "\"", "\\", "\u{1F4A5}", "\u{0}", "\r\n", "dst=", "src=", "acc ",
    ]

  private static var seeds: [[UInt8]] {
    var texts = (1...4).map { seed in
      let operations = randomOperations(seed: UInt64(seed), tensorCount: 1)
      let streams = Engine.allCases.map { engine in
        operations.enumerated().filter { $0.offset % 5 == Int(engine.rawValue) }
          .map { Instruction($0.element) }
      }
      let segment = Segment(
        name: "s", streams: streams, tensors: [TensorParameter(name: "t", sizeBytes: 4096)])
      return Assembly.text(
        of: Program(
          segments: [segment], invocations: [Invocation(segment: 0, tensors: [0])],
          tensors: [
            TensorAllocation(name: "x", address: 0, sizeBytes: 4096, format: .bfloat16)
          ]))
    }
    texts.append(
      """
      .segment double
      .tensor x 65536
      .buffer tile sbuf[0:128]@0 512
      .buffer "a b" psum[32:64]@2048 16 life=3:9
      .engine sync
      DMA_DIRECT2D dst=sbuf:fp32[0:128]@0{128:1} src=hbm:x:fp32@0{128:128,128:1} update S0+=16
      .engine vector
      TENSOR_SCALAR dst=sbuf:fp32[0:128]@512{128:1} src=sbuf:fp32[0:128]@0{128:1} op0=mul s0=2 \
      op1=bypass wait S0>=16 update S1+=1 ; Double.swift:3 kernel=k layer="l 1"
      .program
      .tensor a 65536 fp32 @0
      .tensor b 65536 fp32 @65536 undefined alias=a
      .invoke double a layer=1

      """)
    return texts.map { Array($0.utf8) }
  }

  /// True when the bytes are a program.
  private func isProgram(_ bytes: [UInt8]) throws -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    do {
      let program = try Assembly.parse(text)
      try expectUsable(program)
      return true
    } catch let error as AssemblyError {
      #expect(error.line >= 1 && error.column >= 1)
      #expect(error.column <= error.source.utf8.count + 1, "\(error)")
      #expect(!error.description.isEmpty)
      return false
    }
  }

  @Test func noTextBreaksTheAssembler() throws {
    let counts = try FuzzMutator.run(
      Self.seeds, mutator: FuzzMutator(seed: 20_261_128, words: Self.words), least: 200,
      isProgram)
    #expect(counts.kept > 0 && counts.refused > 10, "\(counts)")
  }

  @Test func whatBrokeItOnceIsReplayed() throws {
    for (_, bytes) in FuzzMutator.crashes("Crashes/Assembly") { _ = try isProgram(bytes) }
  }
}

/// What a reader accepts comes back from its text and from its bytes, and every instruction is
/// either refused by a rule of a device or has a cost there.
func expectUsable(_ program: Program) throws {
  let text = Assembly.text(of: program)
  let again = try Assembly.parse(text)
  #expect(Assembly.text(of: again) == text)
  let bytes = ProgramBinary.bytes(of: program)
  #expect(Assembly.text(of: try ProgramBinary.program(from: bytes)) == text)
  for segment in program.segments {
    for engine in Engine.allCases {
      for instruction in segment.instructions[segment.range(of: engine)] {
        for generation in 2...4 {
          guard fault(instruction.operation, engine, generation: generation) == nil else {
            continue
          }
          _ = instruction.operation.cost(on: device(generation), engine: engine)
        }
      }
    }
  }
}
