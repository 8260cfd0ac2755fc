import CoreState
import Hardware
import NumericFormats

/// Programs as bytes: the compact form of the assembly text.
///
/// A header of 28 bytes: eight that name the format, the version, flags, the size of what follows
/// and two CRC-32C sums, one over what follows and one over the header before it; numbers are
/// little-endian. What follows is a table of strings, the number of distinct bodies of segments and
/// their numbers in columns (`BodyColumn`), the segments (a name and a body each), tensors and
/// invocations. Whole numbers are varints. Opcodes, number
/// formats and words of operands are strings of the table, so that a file outlives the order of an
/// enumeration. An instruction's operands are a list of numbers that its own walk over its operands
/// gives; of them those are stored that differ from the previous instruction of the same opcode in
/// its stream, as differences.
public enum ProgramBinary {
  /// The latest version; later ones are refused. Version 1 knew no buffers, and of tensors neither
  /// what they hold at first nor whose memory they share; version 2 wrote bodies row by row and the
  /// values that semaphores are compared with as they are; version 3 knew no indirect views.
  public static let version: UInt16 = 4
  /// The version of programs that have none, so that earlier builds read them.
  static let versionWithoutIndirectViews: UInt16 = 3
  /// The first bytes of every file: no text begins like this, and a changed line end shows.
  static let mark: [UInt8] = [0x89, 0x54, 0x52, 0x4E, 0x50, 0x0D, 0x0A, 0x1A]
  static let headerSize = 28

  /// True when the bytes begin like a program, damaged or not.
  public static func isBinary(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: mark) }

  /// A program as bytes; equal programs give equal bytes.
  public static func bytes(of program: Program) -> [UInt8] {
    var encoder = ProgramEncoder()
    for segment in program.segments { encoder.append(segment) }
    return bytes(of: program, encoder)
  }

  /// A program as bytes, whose segments an encoder has got already.
  package static func bytes(of program: Program, _ encoder: consuming ProgramEncoder) -> [UInt8] {
    let payload = encoder.payload(program)
    var header = BinaryWriter()
    header.put(mark)
    header.putFixed(UInt64(encoder.version), size: 2)
    header.putFixed(0, size: 2)
    header.putFixed(UInt64(payload.count), size: 8)
    header.putFixed(UInt64(Castagnoli.checksum(payload[...])), size: 4)
    header.putFixed(UInt64(Castagnoli.checksum(header.bytes[...])), size: 4)
    return header.bytes + payload
  }

  /// The program of these bytes. Throws when they are no program, cut, damaged or of a later
  /// version.
  public static func program(from bytes: [UInt8]) throws(ProgramBinaryError) -> Program {
    guard isBinary(bytes) else { throw .notAProgram }
    guard bytes.count >= headerSize else {
      throw .truncated(expected: headerSize, found: bytes.count)
    }
    var header = BinaryReader(bytes[mark.count..<headerSize])
    let version = try header.takeFixed(size: 2)
    let flags = try header.takeFixed(size: 2)
    let size = try header.takeFixed(size: 8)
    let sum = try header.takeFixed(size: 4)
    guard try header.takeFixed(size: 4) == UInt64(Castagnoli.checksum(bytes[..<(headerSize - 4)]))
    else { throw .damaged(place: 0, what: "the header's checksum does not match") }
    guard version <= self.version, flags == 0 else {
      throw .laterVersion(found: Int(version), known: Int(self.version))
    }
    let found = bytes.count - headerSize
    guard let size = Int(exactly: size), found >= size else {
      throw .truncated(expected: headerSize + Int(clamping: size), found: bytes.count)
    }
    guard found == size else {
      throw .damaged(place: headerSize + size, what: "bytes follow the end of the program")
    }
    let payload = bytes[headerSize...]
    guard UInt64(Castagnoli.checksum(payload)) == sum else {
      throw .damaged(place: headerSize, what: "the checksum of the contents does not match")
    }
    var decoder = ProgramDecoder(payload, version: Int(version))
    return try decoder.program()
  }
}

/// Why bytes are not read as a program.
public enum ProgramBinaryError: Error, Hashable, Sendable, CustomStringConvertible {
  case notAProgram
  case truncated(expected: Int, found: Int)
  case laterVersion(found: Int, known: Int)
  case damaged(place: Int, what: String)
  case unknownWord(kind: String, word: String)

  /// What is wrong and what to do.
  public var description: String {
    switch self {
    case .notAProgram:
      "this is no binary program; 'trnbench asm' writes one from assembly text"
    case .truncated(let expected, let found):
      "the file ends at byte \(found) of at least \(expected); copy it again"
    case .laterVersion(let found, let known):
      "version \(found) of the format, and this build reads up to \(known); use a later build"
    case .damaged(let place, let what):
      "damaged near byte \(place): \(what); copy it again or assemble it anew"
    case .unknownWord(let kind, let word):
      "this build knows no \(kind) named '\(word)'; use the build that wrote the file"
    }
  }
}

/// CRC-32C (Castagnoli), eight bytes at a time.
enum Castagnoli {
  /// The remainders under the reflected polynomial 0x82F63B78 of each byte, then of each byte with
  /// one to seven zero bytes behind it.
  private static let table: [UInt32] = {
    var table = (0..<256).map { (index: Int) -> UInt32 in
      (0..<8).reduce(UInt32(index)) { value, _ in
        value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
      }
    }
    for place in 0..<7 * 256 {
      let before = table[place]
      table.append((before >> 8) ^ table[Int(before & 0xFF)])
    }
    return table
  }()

  /// The checksum of `bytes`, with the usual inversion before and after.
  static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    let table = table
    var value = ~UInt32(0)
    var place = bytes.startIndex
    while place + 8 <= bytes.endIndex {
      // The value covers the first four bytes; the table of a byte knows how many follow it.
      var sum: UInt32 = 0
      for index in 0..<8 {
        let shifted = index < 4 ? value >> UInt32(8 * index) : 0
        let byte = bytes[place + index] ^ UInt8(truncatingIfNeeded: shifted)
        sum ^= table[(7 - index) * 256 + Int(byte)]
      }
      value = sum
      place += 8
    }
    for byte in bytes[place...] {
      value = (value >> 8) ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
    }
    return ~value
  }
}
