import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Programs as bytes: what comes back, and what is refused.
@Suite struct ProgramBinaryTests {
  private static let tensors = [
    TensorParameter(name: "weights", sizeBytes: 4096),
    TensorParameter(name: "layer 0/\"gate\"", sizeBytes: 1 << 40),
  ]

  /// A program of random instructions in random order.
  private static func program(seed: UInt64, repeats: Int = 1) -> Program {
    var generator = Generator(seed: seed)
    let sites = [
      Site(kernel: ""), Site(kernel: "softmax", layer: "block 3", source: "Softmax.swift:12"),
      Site(kernel: "größe", source: "a b.swift:1"),
    ]
    let streams = Engine.allCases.map { engine -> [Instruction] in
      var operations: [Operation] = []
      for round in 0..<repeats {
        operations += randomOperations(
          seed: seed &* 977 &+ UInt64(round * 100) &+ UInt64(engine.rawValue), tensorCount: 2)
      }
      return operations.shuffled(using: &generator).map { operation in
        let semaphore = UInt8.random(in: 0...255, using: &generator)
        let value = UInt32.random(in: 0...UInt32.max, using: &generator)
        let waits: [SemaphoreWait] = [
          .none, SemaphoreWait(semaphore, .atLeast, value),
          SemaphoreWait(semaphore, .equal, value),
        ]
        let updates: [SemaphoreUpdate] = [
          .none, SemaphoreUpdate(semaphore, .add, 16), SemaphoreUpdate(semaphore, .subtract, 1),
          SemaphoreUpdate(semaphore, .write, value),
        ]
        return Instruction(
          operation, wait: waits.randomElement(using: &generator)!,
          update: updates.randomElement(using: &generator)!,
          site: UInt32.random(in: 0..<UInt32(sites.count), using: &generator))
      }
    }
    var segment = Segment(name: "a", streams: streams, tensors: tensors, sites: sites)
    segment.buffers = [
      BufferDeclaration(
        name: "row 0", space: .sbuf, partitions: 0..<128, bytes: 64..<(1 << 17),
        life: BufferDeclaration.always),
      BufferDeclaration(
        name: "sum", space: .psum, partitions: 32..<64, bytes: 0..<0, life: 3..<Int(seed + 3)),
    ]
    let empty = Segment(name: "empty", streams: Array(repeating: [], count: 5))
    var twin = segment
    twin.name = "b"
    return Program(
      segments: [segment, empty, twin],
      invocations: [
        Invocation(segment: 0, tensors: [1, 0], layer: "layer 1"),
        Invocation(segment: 2, tensors: [0, 0]), Invocation(segment: 1, tensors: []),
      ],
      tensors: [
        TensorAllocation(name: "x", address: 0, sizeBytes: 64, format: .bfloat16),
        TensorAllocation(
          name: "x", address: 1 << 34, sizeBytes: 1 << 33, format: .float8e4m3,
          contents: .undefined, aliasOf: 0),
      ])
  }

  private func expectSame(_ found: Program, _ expected: Program) {
    #expect(found.invocations == expected.invocations)
    #expect(found.tensors == expected.tensors)
    #expect(found.segments.count == expected.segments.count)
    for (a, b) in zip(found.segments, expected.segments) {
      #expect(a.name == b.name && a.starts == b.starts)
      #expect(a.tensors == b.tensors && a.sites == b.sites && a.buffers == b.buffers)
      #expect(a.instructions == b.instructions)
    }
  }

  @Test(arguments: UInt64(1)...40)
  func everyInstructionComesBack(_ seed: UInt64) throws {
    let program = Self.program(seed: seed)
    let bytes = ProgramBinary.bytes(of: program)
    #expect(ProgramBinary.isBinary(bytes))
    let read = try ProgramBinary.program(from: bytes)
    expectSame(read, program)
    #expect(ProgramBinary.bytes(of: read) == bytes)
    #expect(Assembly.text(of: read) == Assembly.text(of: program))
  }

  /// A file of version 1: no buffers, and tensors of which only name, address, size and format are
  /// known.
  @Test func filesOfTheFirstVersionAreStillRead() throws {
    var payload: [UInt8] = [3]
    for text in ["s", "x", "bf16"] { payload += [UInt8(text.utf8.count)] + Array(text.utf8) }
    // One body: no parameters, no sites, five empty streams. One segment of it. One tensor: name,
    // address 64, size 8, format. No invocations.
    payload += [1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 128, 1, 16, 2, 0]
    let program = try ProgramBinary.program(from: BinaryFrame.framed(payload, version: 1))
    #expect(program.segments.map(\.name) == ["s"] && program.segments[0].buffers.isEmpty)
    #expect(
      program.tensors
        == [TensorAllocation(name: "x", address: 64, sizeBytes: 8, format: .bfloat16)])
    #expect(error(BinaryFrame.framed(payload, version: 2)) != nil)
  }

  @Test func nothingComesBackAsNothing() throws {
    let program = Program(segments: [], invocations: [], tensors: [])
    expectSame(try ProgramBinary.program(from: ProgramBinary.bytes(of: program)), program)
  }

  /// Regular programs shrink: one tile after the other differs in a few numbers.
  @Test func regularProgramsAreSmall() throws {
    let rows = (0..<1000).map { index in
      Instruction(
        .tensorTensor(
          TensorTensor(
            sbuf(.float32, 512, byte: 2048 * (index % 8)), sbuf(.float32, 512, byte: 65_536),
            sbuf(.float32, 512, byte: 131_072), .add)),
        update: SemaphoreUpdate(3, .add, 1))
    }
    let segment = Segment(name: "s", streams: [[], rows, [], [], []])
    let one = Program(segments: [segment], invocations: [], tensors: [])
    let size = ProgramBinary.bytes(of: one).count
    #expect(size < 20_000)
    #expect(Assembly.text(of: one).utf8.count > 5 * size)
    var twin = segment
    twin.name = "t"
    let two = Program(segments: [segment, twin], invocations: [], tensors: [])
    #expect(ProgramBinary.bytes(of: two).count < size + 20)
  }

  private func error(_ bytes: [UInt8]) -> ProgramBinaryError? {
    do {
      _ = try ProgramBinary.program(from: bytes)
      return nil
    } catch { return error }
  }

  @Test func cutFilesAreCalledCut() {
    let bytes = ProgramBinary.bytes(of: Self.program(seed: 3))
    for count in [0, 1, 7] { #expect(error(Array(bytes.prefix(count))) == .notAProgram) }
    for count in [8, 20, 27] {
      #expect(error(Array(bytes.prefix(count))) == .truncated(expected: 28, found: count))
    }
    for count in [28, 29, bytes.count / 2, bytes.count - 1] {
      #expect(
        error(Array(bytes.prefix(count))) == .truncated(expected: bytes.count, found: count))
    }
    guard case .damaged(bytes.count, _) = error(bytes + [0]) else {
      Issue.record("a longer file is damaged")
      return
    }
  }

  @Test func everyFlippedBitIsNoticed() {
    let program = Program(
      segments: [
        Segment(
          name: "s",
          streams: [
            [], [Instruction(.memset(Memset(sbuf(.float32, 4), 1)))], [], [], [],
          ])
      ], invocations: [Invocation(segment: 0, tensors: [])], tensors: [])
    let bytes = ProgramBinary.bytes(of: program)
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(bit)
        #expect(error(damaged) != nil, "byte \(index) bit \(bit)")
      }
    }
  }

  @Test func laterVersionsAreNamed() {
    let payload = Array(ProgramBinary.bytes(of: Self.program(seed: 4)).dropFirst(28))
    #expect(error(BinaryFrame.framed(payload)) == nil)
    #expect(error(BinaryFrame.framed(payload, version: 5)) == .laterVersion(found: 5, known: 4))
    #expect(
      error(BinaryFrame.framed(payload, version: 9))?.description.contains("use a later build")
        == true)
  }

  @Test func unknownWordsAreNamed() {
    let program = Program(
      segments: [
        Segment(
          name: "s",
          streams: [[], [Instruction(.memset(Memset(sbuf(.float32, 4), 1)))], [], [], []])
      ], invocations: [], tensors: [])
    let payload = Array(ProgramBinary.bytes(of: program).dropFirst(28))
    func renamed(_ word: String, _ other: String) -> [UInt8] {
      let start = payload.firstRange(of: Array(word.utf8))!.lowerBound
      return BinaryFrame.framed(
        Array(payload[..<start]) + Array(other.utf8) + payload[(start + word.utf8.count)...])
    }
    #expect(
      error(renamed("MEMSET", "MOMSET")) == .unknownWord(kind: "instruction", word: "MOMSET"))
    #expect(
      error(renamed("fp32", "fp31")) == .unknownWord(kind: "number format", word: "fp31"))
    #expect(error(renamed("sbuf", "sbug")) == .unknownWord(kind: "memory", word: "sbug"))
  }

  /// Bytes cut, doubled and changed at random under a right checksum: the reader answers, it never
  /// traps, and what it accepts can be written again.
  @Test(arguments: UInt64(1)...4)
  func damagedContentsAreRefusedOrRead(_ seed: UInt64) throws {
    let payload = Array(ProgramBinary.bytes(of: Self.program(seed: seed)).dropFirst(28))
    var generator = Generator(seed: seed &* 31)
    var refused = 0
    for _ in 0..<1500 {
      var damaged = payload
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: damaged.remove(at: place)
        case 1: damaged.insert(damaged[place], at: place)
        case 2: damaged = Array(damaged[...place])
        case 3: damaged[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        default: damaged[place] = UInt8.random(in: 0...255, using: &generator)
        }
      }
      do {
        let program = try ProgramBinary.program(from: BinaryFrame.framed(damaged))
        _ = ProgramBinary.bytes(of: program)
        _ = Assembly.text(of: program)
        for segment in program.segments {
          for engine in Engine.allCases {
            for instruction in segment.instructions[segment.range(of: engine)] {
              _ = fault(instruction.operation, engine)
            }
          }
        }
      } catch {
        refused += 1
        #expect(!error.description.isEmpty)
      }
    }
    #expect(refused > 500)
  }
}
