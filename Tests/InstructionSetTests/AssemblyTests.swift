import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Text and back again, and what a reader is told about a wrong text.
@Suite struct AssemblyTests {
  private static let tensors = [
    TensorParameter(name: "weights", sizeBytes: 4096),
    TensorParameter(name: "layer 0/\"gate\"", sizeBytes: 1 << 40),
  ]

  private func synchronised(_ operations: [Operation], seed: UInt64) -> [Instruction] {
    var generator = Generator(seed: seed)
    let sites = UInt32(4)
    return operations.map { operation in
      let semaphore = UInt8.random(in: 0...255, using: &generator)
      let value = UInt32.random(in: 0...UInt32.max, using: &generator)
      let waits: [SemaphoreWait] = [
        .none, SemaphoreWait(semaphore, .atLeast, value), SemaphoreWait(semaphore, .equal, value),
      ]
      let updates: [SemaphoreUpdate] = [
        .none, SemaphoreUpdate(semaphore, .add, value),
        SemaphoreUpdate(semaphore, .subtract, value), SemaphoreUpdate(semaphore, .write, value),
      ]
      return Instruction(
        operation, wait: waits.randomElement(using: &generator)!,
        update: updates.randomElement(using: &generator)!,
        site: UInt32.random(in: 0..<sites, using: &generator))
    }
  }

  private func expectSame(_ found: Segment, _ expected: Segment) {
    #expect(found.name == expected.name)
    #expect(found.starts == expected.starts)
    #expect(found.tensors == expected.tensors)
    #expect(found.buffers == expected.buffers)
    #expect(found.instructions.count == expected.instructions.count)
    for (a, b) in zip(found.instructions, expected.instructions) {
      #expect(a.operation == b.operation)
      #expect(a.wait == b.wait && a.update == b.update)
      #expect(found.sites[Int(a.site)] == expected.sites[Int(b.site)])
    }
  }

  @Test(arguments: UInt64(1)...40)
  func everyInstructionComesBackFromItsText(_ seed: UInt64) throws {
    let operations = randomOperations(seed: seed &* 1000, tensorCount: Self.tensors.count)
    let streams = Engine.allCases.map { engine in
      engine == .gpsimd
        ? [] : synchronised(operations, seed: seed + UInt64(engine.rawValue))
    }
    var segment = Segment(
      name: "attention", streams: streams, tensors: Self.tensors,
      sites: [
        Site(kernel: ""), Site(kernel: "attention", source: "Attention.swift:12"),
        Site(kernel: "soft max", layer: "block 3; \"out\"", source: ""),
        Site(kernel: "", layer: "", source: "a b;c.swift:1"),
      ])
    segment.buffers = [
      BufferDeclaration(
        name: "row \(seed)", space: .sbuf, partitions: 0..<128, bytes: 64..<(1 << 17),
        life: BufferDeclaration.always),
      BufferDeclaration(
        name: "sum", space: .psum, partitions: 32..<64, bytes: 0..<0, life: 3..<Int(seed + 3)),
    ]
    let program = Program(
      segments: [segment],
      invocations: [
        Invocation(segment: 0, tensors: [1, 0], layer: "layer 1"),
        Invocation(segment: 0, tensors: [2, 2]),
      ],
      tensors: [
        TensorAllocation(name: "x", address: 0, sizeBytes: 64, format: .bfloat16),
        TensorAllocation(name: "y/z", address: 64, sizeBytes: 1 << 33, format: .float8e4m3),
        TensorAllocation(
          name: "x", address: 1 << 34, sizeBytes: 8, format: .float32, contents: .undefined,
          aliasOf: 1),
        TensorAllocation(
          name: "z", address: 1 << 35, sizeBytes: 8, format: .float32, aliasOf: 2),
      ])
    let text = Assembly.text(of: program)
    let read = try Assembly.parse(text)
    #expect(read.segments.count == 1)
    expectSame(read.segments[0], segment)
    #expect(read.invocations == program.invocations)
    #expect(read.tensors == program.tensors)
    #expect(Assembly.text(of: read) == text)
  }

  @Test func theRandomListHoldsEveryOpcode() {
    let found = Set((0..<200).flatMap { randomOperations(seed: $0, tensorCount: 1).map(\.opcode) })
    #expect(found == Set(Opcode.allCases))
  }

  @Test func goldenDisassembly() throws {
    let golden = """
      .segment softmax
      .tensor scores 65536
      .tensor weights 32768
      .buffer scores sbuf[0:128]@0 1024
      .buffer sums psum[0:128]@0 2048 life=2:9
      .engine tensor
      LDWEIGHTS src=sbuf:bf16[0:128]@0{128:1} part=whole wait S0>=16 ; Softmax.swift:10
      MATMUL dst=psum:fp32[0:128]@0{512:1} src=sbuf:bf16[0:128]@256{512:1} acc update S1+=1
      MATMUL dst=psum:fp32[0:64]@2048{256:1} src=sbuf:bf16[0:128]@256{256:1} m=64 col=64
      .engine vector
      TENSOR_REDUCE dst=sbuf:fp32[0:128]@8192{1:1} src=psum:fp32[0:128]@0{512:1} op=max negate wait S1>=1
      TENSOR_SCALAR dst=sbuf:bf16[0:128]@4096{512:1} src=sbuf:fp32[0:128]@8200{512:1} op0=mul \
      s0=sbuf:fp32[0:128]@8196{1:1} op1=add s1=-0.5 update S2=0
      MEMSET dst=sbuf:fp32[96:128]@16{2:0,3:-1} value=1e-05
      MOVE rd=r5 rb=128
      REGISTER_ALU rd=r5 ra=r5 op=add rb=r6
      COMPARE_BRANCH ra=r5 if=lt rb=1024 target=3
      .engine scalar
      ACT_TABLE_LOAD table=natural_log_exp_and_others
      ACTIVATE dst=sbuf:bf16[0:128]@1024{512:1} func=exp src=psum:fp32[0:128]@0{512:1} \
      bias=sbuf:fp32[0:128]@8192{1:1} acc=reset_reduce ; Softmax.swift:21 kernel=exp layer="block 3"
      .engine gpsimd
      IOTA dst=sbuf:int32[0:128]@0{4:8,8:1} start=-3 channel=1 steps={0,1}
      DMA_INDIRECT dst=sbuf:bf16[0:128]@0{64:1} src=hbm:weights:bf16@0{64:1} \
      index=sbuf:uint32[0:128]@512{1:1} rowstride=128 rows=256
      .engine sync
      DMA_DIRECT2D dst=sbuf:fp32[0:128]@0{128:1}+r5 src=hbm:scores:fp32@0{128:128,128:1}+r2 \
      queue=3 update S0+=16
      EVENT_SEMAPHORE wait S2==0
      EVENT_SEMAPHORE_RANGE_CLEAR first=8 count=4

      .program
      .tensor q 65536 fp32 @0
      .tensor w 32768 bf16 @65536
      .tensor v 32768 bf16 @65536 undefined alias=w
      .invoke softmax q w layer=0

      """
    let program = try Assembly.parse(golden)
    #expect(Assembly.text(of: program) == golden)
    let segment = program.segments[0]
    #expect(segment.instructions.count == 16)
    guard case .matmul(let matmul) = segment.instructions[2].operation else {
      Issue.record("the third instruction is a MATMUL")
      return
    }
    #expect(matmul.columns == 64 && matmul.column == 64 && !matmul.accumulate)
    #expect(segment.sites[Int(segment.instructions[0].site)].kernel == "softmax")
  }

  @Test func commentsAndSpacesAreFree() throws {
    let program = try Assembly.parse(
      """
      # a comment
      .segment  one   # named one

      \t.engine vector
        NOP   update   S1+=2   # says nothing
      NOP ; file.swift:3 # a comment after the place
      """)
    let segment = program.segments[0]
    #expect(segment.instructions.count == 2)
    #expect(segment.instructions[0].update == SemaphoreUpdate(1, .add, 2))
    #expect(segment.sites[Int(segment.instructions[1].site)].source == "file.swift:3")
  }

  @Test func aTextWithoutAProgramRunsEverySegmentOnce() throws {
    let program = try Assembly.parse(
      ".segment a\n.tensor x 100\n.tensor y 8\n.segment b\n.tensor x 200\n")
    #expect(program.invocations.map(\.segment) == [0, 1])
    #expect(program.invocations.map(\.tensors) == [[0, 1], [0]])
    #expect(program.tensors.map(\.sizeBytes) == [200, 8])
    #expect(program.tensors.map(\.address) == [0, 256])
  }

  /// A wrong line in a small segment, and what the message begins with.
  @Test(
    arguments: [
      ("NOPE", "line 4, column 1: no instruction is named 'NOPE'; did you mean 'NOP'?"),
      (
        "MEMSET dts=sbuf:fp32[0:1]@0{1:1}",
        "line 4, column 1: MEMSET needs operand dst"
      ),
      (
        "MEMSET dst=sbuf:fp32[0:1]@0{1:1} valeu=1",
        "line 4, column 34: no operand of MEMSET is named 'valeu'; did you mean 'value'?"
      ),
      (
        "MEMSET dst=sbuf:fp31[0:1]@0{1:1}",
        "line 4, column 17: no number format is named 'fp31'; did you mean 'fp32'?"
      ),
      ("MEMSET dst=sbuff:fp32[0:1]@0{1:1}", "line 4, column 12: no memory is named 'sbuff'"),
      ("MEMSET dst=sbuf:fp32[0:1]@0{1:1", "line 4, column 32: expected '}' after the dimensions"),
      ("MEMSET dst=sbuf:fp32[4:1]@0{1:1}", "line 4, column 24: the end of the partitions is 1;"),
      ("MEMSET dst=sbuf:fp32[0:1]@x{1:1}", "line 4, column 27: expected the byte, a whole number"),
      (
        "MEMSET dst=sbuf:fp32[0:1]@0{1:1,1:1,1:1,1:1,1:1}",
        "line 4, column 45: at most 4 dimensions are allowed"
      ),
      (
        "MEMSET dst=sbuf:fp32[0:1]@0{1:1} value=abc",
        "line 4, column 40: expected value, a number such as"
      ),
      (
        "MEMSET dst=sbuf:fp32[0:1]@0{1:1} value=1 value=2",
        "line 4, column 42: operand value is given twice"
      ),
      ("NOP wait S300>=1", "line 4, column 11: the semaphore is 300; it must lie in 0...255"),
      ("NOP wait 3>=1", "line 4, column 10: expected 'S' before the semaphore's number"),
      ("NOP update S3*=1", "line 4, column 14: expected '=' in '+=', '-=' or '='"),
      ("NOP now", "line 4, column 5: NOP has no operands"),
      (
        "MOVE rd=5 rb=1", "line 4, column 9: expected 'r' before the register's number"
      ),
      (
        "COPY dst=sbuf:fp32[0:1]@0{1:1} src=sbuf:bf16[0:1]@0{1:1}",
        "line 4, column 1: with these operands the instruction is CAST"
      ),
      (
        "DMA_DIRECT2D dst=sbuf:fp32[0:1]@0{1:1} src=hbm:tt:fp32@0{1:1}",
        "line 4, column 48: no tensor of the segment is named 'tt'; did you mean 't'?"
      ),
      (
        "TENSOR_TENSOR dst=sbuf:fp32[0:1]@0{1:1} a=sbuf:fp32[0:1]@0{1:1} "
          + "b=sbuf:fp32[0:1]@0{1:1} op=addd",
        "line 4, column 92: no choice for op is named 'addd'; did you mean 'add'?"
      ),
      (".engines vector", "line 4, column 1: no directive is named '.engines'; did you mean"),
      (".engine vektor", "line 4, column 9: no engine is named 'vektor'; did you mean 'vector'?"),
      (".invoke x", "line 4, column 1: '.invoke' before '.program'"),
      (".tensor t 5", "line 4, column 9: tensor t is declared twice"),
      (
        "MEMSET dst=hbm:fp32[0:1]@0{1:1}",
        "line 4, column 12: expected sbuf or psum: this cannot lie in hbm"
      ),
      (
        ".buffer b sbuf[0:128]@0",
        "line 4, column 24: expected the size in bytes of a partition, a whole number"
      ),
      (".buffer b sbuf[4:1]@0 4", "line 4, column 18: the end of the partitions is 1;"),
      (".buffer b sbuf[0:1]@0 4 life=9:3", "line 4, column 32: the end of the moments is 3;"),
      (".buffer b sbuf[0:1]@0 4 for 3", "line 4, column 25: expected the end of the line"),
      ("NOP ; \"open", "line 4, column 7: the quote that begins here never ends"),
    ])
  func mistakesAreShownWhereTheyAre(_ line: String, _ message: String) {
    let text = ".segment s\n.tensor t 64\n.engine vector\n\(line)\n"
    #expect {
      try Assembly.parse(text)
    } throws: { error in
      let description = "\(error)"
      #expect(description.hasPrefix(message), "\(description)")
      return true
    }
  }

  @Test func theCaretStandsUnderTheMistake() {
    let text = ".segment s\n.engine vector\n\tMEMSET dst=sbuf:fp32[0:1]@0{1:1} vlaue=1"
    #expect {
      try Assembly.parse(text)
    } throws: { error in
      "\(error)" == """
        line 3, column 35: no operand of MEMSET is named 'vlaue'; did you mean 'value'?
          \tMEMSET dst=sbuf:fp32[0:1]@0{1:1} vlaue=1
          \t                                 ^
        """
    }
  }

  @Test func instructionsNeedASegmentAndAnEngine() {
    for (text, message) in [
      ("NOP", "line 1, column 1: an instruction before '.segment NAME' and '.engine NAME'"),
      (".segment a\nNOP", "line 2, column 1: an instruction before '.engine NAME'"),
      (".tensor x 1", "line 1, column 1: '.tensor' before '.segment NAME' or '.program'"),
      (".program\n.invoke a", "line 2, column 9: no segment is named 'a'; known: "),
    ] {
      #expect {
        try Assembly.parse(text)
      } throws: {
        "\($0)".hasPrefix(message)
      }
    }
  }

  /// Bytes cut, doubled and changed at random: the assembler answers, it never traps.
  @Test func damagedTextsAreRefusedOrRead() throws {
    let program = Program(
      segments: [
        Segment(
          name: "s",
          streams: [
            synchronised(randomOperations(seed: 77, tensorCount: 2), seed: 5), [], [], [], [],
          ],
          tensors: Self.tensors, sites: Array(repeating: Site(kernel: "k"), count: 4))
      ], invocations: [], tensors: [])
    let bytes = Array(Assembly.text(of: program).utf8)
    var generator = Generator(seed: 99)
    var refused = 0
    for _ in 0..<3000 {
      let start = Int.random(in: 0..<bytes.count, using: &generator)
      let line = bytes[start...].prefix(400)
      var damaged = Array(".segment s\n.engine tensor\n".utf8) + Array(bytes.prefix(200)) + line
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: damaged.remove(at: place)
        case 1: damaged.insert(damaged[place], at: place)
        default: damaged[place] = UInt8.random(in: 0...255, using: &generator)
        }
      }
      do {
        _ = try Assembly.parse(String(decoding: damaged, as: UTF8.self))
      } catch {
        refused += 1
        #expect(!error.description.isEmpty)
      }
    }
    #expect(refused > 1000)
  }
}
