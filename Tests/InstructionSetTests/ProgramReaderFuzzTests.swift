import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Whatever the bytes of a file are, the reader of programs answers with a program or with an error
/// of its own. Most mutants get a right header, so that they reach what the checksum protects.
@Suite struct ProgramReaderFuzzTests {
  private static var seeds: [[UInt8]] {
    (1...4).map { seed in
      let operations = randomOperations(seed: UInt64(seed), tensorCount: 1)
      var segment = Segment(
        name: "s",
        streams: Engine.allCases.map { engine in
          operations.enumerated().filter { $0.offset % 5 == Int(engine.rawValue) }.map {
            Instruction(
              $0.element, wait: SemaphoreWait(3, .atLeast, 2), update: SemaphoreUpdate(4))
          }
        }, tensors: [TensorParameter(name: "t", sizeBytes: 4096)],
        sites: [Site(kernel: ""), Site(kernel: "k", layer: "l", source: "a.swift:1")])
      segment.buffers = [
        BufferDeclaration(name: "b", space: .psum, partitions: 0..<32, bytes: 64..<128, life: 1..<9)
      ]
      var other = TensorAllocation(name: "y", address: 64, sizeBytes: 4096, format: .float32)
      other.contents = .undefined
      other.aliasOf = 0
      return Array(
        ProgramBinary.bytes(
          of: Program(
            segments: [segment], invocations: [Invocation(segment: 0, tensors: [1], layer: "x")],
            tensors: [
              TensorAllocation(name: "x", address: 0, sizeBytes: 4096, format: .bfloat16), other,
            ])
        ).dropFirst(BinaryFrame.headerSize))
    }
  }

  /// True when contents are a program.
  private func isProgram(_ file: [UInt8]) throws -> Bool {
    do {
      try expectUsable(try ProgramBinary.program(from: file))
      return true
    } catch let error as ProgramBinaryError {
      #expect(!error.description.isEmpty)
      return false
    }
  }

  @Test func noBytesBreakTheReader() throws {
    var bare = FuzzMutator(seed: 5, words: [])
    let counts = try FuzzMutator.run(
      Self.seeds, mutator: FuzzMutator(seed: 20_261_129, words: Opcode.allCases.map(\.name)),
      least: 200
    ) { contents in
      let version = UInt16(1 + bare.below(3))
      var file = BinaryFrame.framed(contents, version: version)
      if bare.below(8) == 0 { file[bare.below(file.count)] ^= UInt8(1 << bare.below(8)) }
      return try isProgram(file)
    }
    #expect(counts.kept > 0 && counts.refused > 10, "\(counts)")
  }

  @Test func whatBrokeItOnceIsReplayed() throws {
    for (_, bytes) in FuzzMutator.crashes("Crashes/Programs") { _ = try isProgram(bytes) }
  }
}

/// The header of a program file, written here once more, independent of the writer.
enum BinaryFrame {
  static let headerSize = 28

  /// A payload under a header that is right for it.
  static func framed(_ payload: [UInt8], version: UInt16 = ProgramBinary.version) -> [UInt8] {
    func little(_ value: UInt64, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    var header: [UInt8] = [0x89, 0x54, 0x52, 0x4E, 0x50, 0x0D, 0x0A, 0x1A]
    header += little(UInt64(version), 2) + little(0, 2) + little(UInt64(payload.count), 8)
    header += little(UInt64(checksum(payload)), 4)
    header += little(UInt64(checksum(header)), 4)
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
}
