import CoreState
import Hardware
import NumericFormats
import Testing

/// Stochastic rounding of what engines store.
@Suite struct RoundingTests {
  /// Stores one value everywhere in a pattern of 4 partitions by 1024, and reads it back.
  private func stored(
    _ value: Float, _ core: inout CoreState, _ dimensions: [(Int, Int)], backwards: Bool = false
  ) -> [Float] {
    let access = pattern(.sbuf, .bfloat16, partitions: 0..<4, byte: 0, dimensions)
    for index in 0..<access.columns { core.rows[.a, index] = value }
    let partitions = backwards ? [0, 3, 2, 1] : [0, 1, 2, 3]
    for partition in partitions {
      core.store(.a, to: access, partition: partition, engine: .vector)
    }
    return core.elements(access)
  }

  @Test func meanOfStoredElementsIsTheValue() throws {
    var core = try makeCore()
    core.rounding = .stochastic(seed: 3)
    let value: Float = 1 + 0x1p-7 * 0.3
    let share = Double(value - 1) / 0x1p-7
    let count = 4 * 1024 * 16
    var ups = 0
    for _ in 0..<16 {
      let elements = stored(value, &core, [(1024, 1)])
      #expect(elements.allSatisfy { $0 == 1 || $0 == 1 + 0x1p-7 })
      ups += elements.count { $0 > 1 }
    }
    let error = (share * (1 - share) * Double(count)).squareRoot()
    #expect(abs(Double(ups) - share * Double(count)) < 3 * error)
  }

  @Test func patternsOrderAndStridesDoNotMatterAndPassesDo() throws {
    let value: Float = 0.3
    var results: [[Float]] = []
    for (dimensions, backwards) in [
      ([(1024, 1)], false), ([(1024, 1)], true), ([(1024, 3)], false),
      ([(32, 64), (32, 2)], false),
    ] {
      var core = try makeCore()
      core.rounding = .stochastic(seed: 8)
      let first = stored(value, &core, dimensions, backwards: backwards)
      let second = stored(value, &core, dimensions, backwards: backwards)
      #expect(first != second)
      results.append(first + second)
    }
    #expect(Set(results).count == 1)
  }

  @Test func nearestEvenIsTheDefault() throws {
    var core = try makeCore()
    #expect(core.rounding == .nearestEven)
    #expect(stored(1.001, &core, [(1024, 1)]).allSatisfy { $0 == 1 })
  }
}
