import Foundation

/// The two-sided Mann-Whitney U test: do two sets of samples come from one distribution?
///
/// Up to 30 samples together the p-value is exact, ties included: it counts the ways to choose the
/// first side's ranks among all. Above, the normal approximation with tie and continuity
/// correction. Source: Mann and Whitney, Annals of Mathematical Statistics 18 (1947), 50-60.
package struct MannWhitney: Hashable, Sendable {
  /// Pairs in which the first side is larger; a tie counts one half.
  package let u: Double
  /// The probability of a difference in ranks at least as large without any real difference.
  package let pValue: Double
  /// True when `pValue` is exact.
  package let isExact: Bool

  /// Both sides have at least one sample; exact up to `exactLimit` samples together.
  package init(_ first: [Double], _ second: [Double], exactLimit: Int = 30) {
    precondition(!first.isEmpty && !second.isEmpty, "a rank test needs samples on both sides")
    let ranks = DoubledRanks(first + second)
    let count = first.count
    let doubledSum = ranks.values[..<count].reduce(0, +)
    u = Double(doubledSum - count * (count + 1)) / 2
    if first.count + second.count <= exactLimit {
      pValue = Self.exactP(ranks: ranks.values, count: count, doubledSum: doubledSum)
      isExact = true
    } else {
      pValue = Self.normalP(u: u, first: count, second: second.count, tieTerm: ranks.tieTerm)
      isExact = false
    }
  }

  /// The smallest p-value that samples of these sizes can reach.
  package static func smallestP(_ first: Int, _ second: Int) -> Double {
    guard first > 0, second > 0 else { return 1 }
    var ways = 1.0
    for step in 1...min(first, second) {
      ways *= Double(first + second - min(first, second) + step) / Double(step)
    }
    return min(1, 2 / ways)
  }

  /// The smallest number of samples on each side that can reach `alpha`.
  package static func samplesNeeded(alpha: Double) -> Int {
    var count = 1
    while smallestP(count, count) > alpha, count < 1000 { count += 1 }
    return count
  }

  /// Counts, by the doubled rank sum, the subsets of `count` ranks, and adds up the two tails.
  private static func exactP(ranks: [Int], count: Int, doubledSum: Int) -> Double {
    let total = ranks.reduce(0, +)
    // ways[k * width + s]: subsets of k ranks with the doubled sum s; below 2^53, so exact.
    let width = total + 1
    var ways = [Double](repeating: 0, count: (count + 1) * width)
    ways[0] = 1
    var largest = 0
    for rank in ranks {
      largest += rank
      for size in stride(from: count, through: 1, by: -1) {
        for sum in stride(from: largest, through: rank, by: -1) {
          ways[size * width + sum] += ways[(size - 1) * width + sum - rank]
        }
      }
    }
    // The distribution is symmetric about its mean, so distance from the mean orders the outcomes:
    // both sides of the comparison are multiplied by the number of ranks to stay in integers.
    let distance = abs(doubledSum * ranks.count - total * count)
    var extreme = 0.0
    var all = 0.0
    for sum in 0...total {
      let number = ways[count * width + sum]
      all += number
      if abs(sum * ranks.count - total * count) >= distance { extreme += number }
    }
    return extreme / all
  }

  private static func normalP(u: Double, first: Int, second: Int, tieTerm: Double) -> Double {
    let (n1, n2) = (Double(first), Double(second))
    let n = n1 + n2
    let variance = n1 * n2 / 12 * (n + 1 - tieTerm / (n * (n - 1)))
    guard variance > 0 else { return 1 }
    let distance = max(0, abs(u - n1 * n2 / 2) - 0.5)
    return min(1, erfc(distance / variance.squareRoot() / 2.0.squareRoot()))
  }
}

/// Ranks from 1, ties sharing their mean rank, all doubled so that they are integers.
private struct DoubledRanks {
  var values: [Int]
  /// The sum of t^3 - t over groups of t equal samples.
  var tieTerm = 0.0

  init(_ samples: [Double]) {
    values = [Int](repeating: 0, count: samples.count)
    let order = samples.indices.sorted { (samples[$0], $0) < (samples[$1], $1) }
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, samples[order[end]] == samples[order[start]] { end += 1 }
      for position in start..<end { values[order[position]] = start + end + 1 }
      let size = Double(end - start)
      tieTerm += size * size * size - size
      start = end
    }
  }
}
