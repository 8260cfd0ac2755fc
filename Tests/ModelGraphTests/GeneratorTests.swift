import ModelGraph
import NumericFormats
import Testing

@Suite("Seeded values")
struct GeneratorTests {
  @Test("The first numbers of a stream never change")
  func golden() {
    let generator = SeededGenerator(seed: 0, stream: "x")
    #expect(
      (0..<3).map { generator.bits(at: $0) } == GeneratorTests.firstBits)
  }

  /// Recorded from the first version: results of all workloads rest on them.
  static let firstBits: [UInt64] = [
    5_510_661_310_230_217_030, 13_904_411_086_895_930_440, 18_228_067_833_352_420_211,
  ]

  @Test("Mean, deviation and range of the bell-shaped numbers")
  func normal() {
    let values = seeded("x", [100_000], format: .float32).map(Double.init)
    let mean = values.reduce(0, +) / 1e5
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1e5
    #expect(abs(mean) < 0.015)
    #expect(abs(variance - 1) < 0.02)
    #expect(values.allSatisfy { abs($0) < 3.47 })
  }

  @Test("Streams and seeds differ; an element does not depend on the tensor's length")
  func independence() {
    let long = seeded("x", [1000])
    #expect(seeded("x", [10]) == Array(long[..<10]))
    #expect(seeded("y", [10]) != Array(long[..<10]))
    #expect(seeded("x", [10], seed: 8) != Array(long[..<10]))
  }

  @Test("Uniform, index and constant fills stay in their range")
  func ranges() {
    let uniform = seeded("u", [10_000], format: .float32, fill: .uniform(low: 0.5, high: 1.5))
    #expect(uniform.allSatisfy { $0 >= 0.5 && $0 <= 1.5 })
    #expect(uniform.min()! < 0.51 && uniform.max()! > 1.49)
    let indices = seeded("i", [10_000], format: .int32, fill: .indices(count: 10))
    #expect(Set(indices) == Set((0..<10).map(Float.init)))
    #expect(seeded("c", [2], fill: .constant(3)) == [3, 3])
    #expect(seeded("z", [2], fill: .zeros) == [0, 0])
  }
}
