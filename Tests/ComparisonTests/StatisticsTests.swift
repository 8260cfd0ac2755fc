import Comparison
import Testing

@Suite struct StatisticsTests {
  struct RankCase {
    var first: [Double]
    var second: [Double]
    var u: Double
    var p: Double
  }

  /// Worked by hand from the distribution of U over all ways to split the ranks.
  static let byHand: [RankCase] = [
    RankCase(first: [1, 2, 3], second: [4, 5, 6], u: 0, p: 2.0 / 20),
    RankCase(first: [4, 5, 6], second: [1, 2, 3], u: 9, p: 2.0 / 20),
    RankCase(first: [1, 2, 3, 4], second: [5, 6, 7, 8], u: 0, p: 2.0 / 70),
    // U = 0…9 can be reached in 1, 1, 2, 3, 3, 3, 3, 2, 1, 1 ways; 4 and 5 are nearer than 3.
    RankCase(first: [1, 3, 5], second: [2, 4, 6], u: 3, p: 14.0 / 20),
    // Ranks 2, 2, 2, 4: every split is one away from the mean.
    RankCase(first: [1, 1], second: [1, 2], u: 1, p: 1),
    RankCase(first: [1, 1, 1], second: [2, 2, 2], u: 0, p: 2.0 / 20),
    RankCase(first: [5, 5, 5], second: [5, 5, 5], u: 4.5, p: 1),
    RankCase(first: [1], second: [2], u: 0, p: 1),
    RankCase(first: [1], second: [2, 3, 4, 5], u: 0, p: 2.0 / 5),
  ]

  @Test func rankTestByHand() {
    for known in Self.byHand {
      let test = MannWhitney(known.first, known.second)
      #expect(test.u == known.u)
      #expect(abs(test.pValue - known.p) < 1e-15, "\(known)")
      #expect(test.isExact)
    }
  }

  /// z = (200 - 0.5) / sqrt(20 * 20 * 41 / 12) = 5.39647…, p = erfc(z / sqrt 2).
  @Test func manySamplesUseTheNormalApproximation() {
    let first = (1...20).map(Double.init)
    let second = (21...40).map(Double.init)
    let test = MannWhitney(first, second)
    #expect(!test.isExact)
    #expect(abs(test.pValue / 6.795615128173e-08 - 1) < 1e-6)
    let ties = MannWhitney(
      [Double](repeating: 1, count: 20), [Double](repeating: 1, count: 20))
    #expect(ties.pValue == 1)
  }

  @Test func theExactTestAgreesWithTryingEverySplit() {
    var numbers = SeededNumbers(state: 7)
    for _ in 0..<60 {
      let count = 2 + Int(numbers.next() * 5)
      let others = 2 + Int(numbers.next() * 5)
      // Few distinct values, so that ties are common.
      let all = (0..<(count + others)).map { _ in (numbers.next() * 6).rounded() }
      let test = MannWhitney(Array(all[..<count]), Array(all[count...]))
      #expect(abs(test.pValue - everySplit(all, count)) < 1e-12, "\(all) \(count)")
      let swapped = MannWhitney(Array(all[count...]), Array(all[..<count]))
      #expect(abs(test.pValue - swapped.pValue) < 1e-12)
    }
  }

  /// The share of splits whose U is at least as far from the middle as that of the first one.
  private func everySplit(_ all: [Double], _ count: Int) -> Double {
    func distance(_ mask: Int) -> Double {
      var u = 0.0
      for i in all.indices where mask >> i & 1 == 1 {
        for j in all.indices where mask >> j & 1 == 0 {
          u += all[i] > all[j] ? 1 : all[i] == all[j] ? 0.5 : 0
        }
      }
      return abs(u - Double(count * (all.count - count)) / 2)
    }
    let own = distance((1 << count) - 1)
    let masks = (0..<(1 << all.count)).filter { $0.nonzeroBitCount == count }
    return Double(masks.count { distance($0) >= own }) / Double(masks.count)
  }

  @Test func exactAndNormalMeetAtTheLimit() {
    var numbers = SeededNumbers(state: 3)
    for _ in 0..<20 {
      let first = (0..<15).map { _ in numbers.next() }
      let second = (0..<15).map { _ in (numbers.next() + 0.2) }
      let exact = MannWhitney(first, second)
      let normal = MannWhitney(first, second, exactLimit: 0)
      #expect(exact.isExact && !normal.isExact)
      #expect(abs(exact.pValue - normal.pValue) < 0.01)
    }
  }

  @Test func samplesNeeded() {
    #expect(MannWhitney.smallestP(3, 3) == 0.1)
    #expect(abs(MannWhitney.smallestP(4, 4) - 2.0 / 70) < 1e-15)
    #expect(MannWhitney.smallestP(1, 1) == 1)
    #expect(MannWhitney.smallestP(0, 9) == 1)
    #expect(MannWhitney.samplesNeeded(alpha: 0.05) == 4)
    #expect(MannWhitney.samplesNeeded(alpha: 0.05 / 30) == 7)
  }

  /// Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1 raised to the one before.
  @Test func holmByHand() {
    let adjusted = holmAdjusted([0.01, 0.04, 0.03, 0.005])
    let expected = [0.03, 0.06, 0.06, 0.02]
    for (value, wanted) in zip(adjusted, expected) { #expect(abs(value - wanted) < 1e-15) }
    #expect(holmAdjusted([]).isEmpty)
    #expect(holmAdjusted([0.04]) == [0.04])
    #expect(holmAdjusted([0.9, 0.8]) == [1, 1])
  }
}
