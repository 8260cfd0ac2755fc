import Foundation
import NumericFormats
import Testing

/// The words of the lines of the checked-in vectors, written by scripts/make-conversion-vectors.
private func vectorLines(_ kind: String) throws -> [[Substring]] {
  let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Goldens/conversion-vectors.txt")
  let text = try String(contentsOf: url, encoding: .utf8)
  return text.split(separator: "\n").map { $0.split(separator: " ") }
    .filter { $0.first == Substring(kind) }
}

/// FNV-1a with 64 bits over whole words, as the script has it.
private struct WordHash {
  var state: UInt64 = 0xCBF2_9CE4_8422_2325
  mutating func add(_ word: UInt32) { state = (state ^ UInt64(word)) &* 0x100_0000_01B3 }
}

/// A bit pattern with every NaN as the one quiet pattern.
private func pattern(_ value: Float) -> UInt32 { value.isNaN ? 0x7FC0_0000 : value.bitPattern }

/// The inputs that the script calls by these names, as fp32.
private enum Inputs {
  static func named(_ name: Substring) -> [Float] {
    switch name {
    case "fp16": (0..<65536).map { NumberFormat.float16.decode($0) }
    case "bf16": (0..<65536).map { Float(bitPattern: $0 << 16) }
    case "int16": (0..<65536).map { NumberFormat.int16.decode($0) }
    case "uint16": (0..<65536).map { NumberFormat.uint16.decode($0) }
    case "classes": classes
    case "random": random
    default: []
    }
  }

  /// Both signs, all exponent fields, and mantissas at and beside one and three of each bit.
  static let classes: [Float] = {
    var mantissas: [UInt32] = []
    for bit in UInt32(0)..<23 {
      for base in [UInt32(1) << bit, 3 << bit] {
        for offset in [UInt32.max, 0, 1] {
          let mantissa = (base &+ offset) & 0x7F_FFFF
          mantissas += [mantissa, mantissa ^ 0x7F_FFFF]
        }
      }
    }
    return (0..<512).flatMap { head in mantissas.map { Float(bitPattern: head << 23 | $0) } }
  }()

  /// SplitMix64 of 1 to 2^20; every other number gets an exponent near the narrow formats'.
  static let random: [Float] = (1...(UInt64(1) << 20)).map { index in
    var z = index &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    let bits = UInt32(z >> 32)
    let near = bits & 0x807F_FFFF | UInt32(z >> 1 & 63 + 96) << 23
    return Float(bitPattern: z & 1 == 1 ? near : bits)
  }
}

/// The checked-in vectors come from ml_dtypes and NumPy, which share no code with the module.
@Suite struct ConversionVectorTests {
  @Test func tablesOfAllCodesMatch() throws {
    let lines = try vectorLines("table")
    var seen: [Substring: Int] = [:]
    for line in lines {
      let first = try #require(UInt32(line[2], radix: 16))
      for (offset, word) in line[3...].enumerated() {
        let code = first + UInt32(offset)
        let value: Float =
          if line[1] == "fp4e2m1fn" {
            MXFormat.e2m1fn.decode(code: UInt8(code))
          } else {
            try #require(NumberFormat(name: line[1])).decode(code)
          }
        #expect(pattern(value) == UInt32(word, radix: 16), "\(line[1]) code \(code)")
        seen[line[1], default: 0] += 1
      }
    }
    #expect(
      seen == [
        "fp8e4m3": 256, "fp8e4m3fn": 256, "fp8e5m2": 256, "fp8e3m4": 256, "fp8e8m0": 256,
        "fp4e2m1fn": 16,
      ])
  }

  @Test func allSixteenBitCodesDecodeAlike() throws {
    let lines = try vectorLines("decode")
    #expect(lines.count == 6)
    for line in lines {
      let format = try #require(NumberFormat(name: line[1]))
      let count = try #require(UInt32(line[2]))
      #expect(count == UInt32(1) << UInt32(8 * format.sizeBytes))
      var hash = WordHash()
      for code in 0..<count { hash.add(pattern(format.decode(code))) }
      #expect(hash.state == UInt64(line[3], radix: 16), "\(format.name)")
    }
  }

  @Test func randomCodesOfThirtyTwoBitsDecodeAlike() throws {
    let lines = try vectorLines("decode32")
    #expect(lines.map { $0[1] } == ["int32", "uint32", "tf32"])
    for line in lines {
      let format = try #require(NumberFormat(name: line[1]))
      #expect(Int(line[2]) == Inputs.random.count)
      var hash = WordHash()
      for value in Inputs.random { hash.add(pattern(format.decode(value.bitPattern))) }
      #expect(hash.state == UInt64(line[3], radix: 16), "\(format.name)")
    }
  }

  @Test(arguments: ["fp16", "bf16", "int16", "uint16", "classes", "random"] as [Substring])
  func everyFormatEncodesAlike(source: Substring) throws {
    let inputs = Inputs.named(source)
    let lines = try vectorLines("encode").filter { $0[2] == source }
    #expect(lines.count == NumberFormat.arithmeticFormats.count + 1 + MXFormat.allCases.count)
    for line in lines {
      #expect(Int(line[3]) == inputs.count)
      var hash = WordHash()
      if line[1].hasPrefix("mx-") {
        let format = try #require(
          MXFormat.allCases.first { line[1].dropFirst(3) == Substring("\($0)") })
        for value in inputs { hash.add(UInt32(format.encode(value))) }
      } else {
        let format = try #require(NumberFormat(name: line[1]))
        for value in inputs { hash.add(format.encode(value)) }
      }
      #expect(hash.state == UInt64(line[4], radix: 16), "\(line[1]) of \(source)")
    }
  }
}
