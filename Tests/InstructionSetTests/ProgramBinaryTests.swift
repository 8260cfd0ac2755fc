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
    let segment = Segment(name: "a", streams: streams, tensors: tensors, sites: sites)
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
        TensorAllocation(name: "x", address: 1 << 34, sizeBytes: 1 << 33, format: .float8e4m3),
      ])
  }

  private func expectSame(_ found: Program, _ expected: Program) {
    #expect(found.invocations == expected.invocations)
    #expect(found.tensors == expected.tensors)
    #expect(found.segments.count == expected.segments.count)
    for (a, b) in zip(found.segments, expected.segments) {
      #expect(a.name == b.name && a.starts == b.starts)
      #expect(a.tensors == b.tensors && a.sites == b.sites)
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

  /// A payload under a header that is right for it.
  private func framed(_ payload: [UInt8], version: UInt16 = 1) -> [UInt8] {
    func little(_ value: UInt64, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    var header: [UInt8] = [0x89, 0x54, 0x52, 0x4E, 0x50, 0x0D, 0x0A, 0x1A]
    header += little(UInt64(version), 2) + little(0, 2) + little(UInt64(payload.count), 8)
    header += little(UInt64(Self.checksum(payload)), 4)
    header += little(UInt64(Self.checksum(header)), 4)
    return header + payload
  }

  /// CRC-32C bit by bit.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var value = UInt32.max
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }
    return ~value
  }

  @Test func laterVersionsAreNamed() {
    let payload = Array(ProgramBinary.bytes(of: Self.program(seed: 4)).dropFirst(28))
    #expect(error(framed(payload)) == nil)
    #expect(error(framed(payload, version: 2)) == .laterVersion(found: 2, known: 1))
    #expect(
      error(framed(payload, version: 9))?.description.contains("use a later build") == true)
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
      return framed(
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
        let program = try ProgramBinary.program(from: framed(damaged))
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
