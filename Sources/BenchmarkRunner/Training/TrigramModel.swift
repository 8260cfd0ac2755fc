import Foundation

/// Chances of the next symbol after the two before it, counted in a text.
///
/// Counts of trigrams are interpolated with those of bigrams, unigrams and the uniform law as
/// I. Witten and T. Bell do (method C, IEEE Transactions on Information Theory 37, 1991): a context
/// seen n times before t different symbols leaves the shorter context a share of t/(n + t).
package struct TrigramModel {
  private let vocabulary: Int
  /// Occurrences of a symbol behind each context of 0, 1 and 2 symbols.
  private var counts: [[Int32]]
  /// How often each context occurred, and before how many different symbols.
  private var totals: [[Int32]]
  private var kinds: [[Int32]]

  /// Counts a text of symbols below `vocabulary`.
  package init(_ text: ArraySlice<Int>, vocabulary: Int) {
    self.vocabulary = vocabulary
    let contexts = [1, vocabulary, vocabulary * vocabulary]
    counts = contexts.map { [Int32](repeating: 0, count: $0 * vocabulary) }
    totals = contexts.map { [Int32](repeating: 0, count: $0) }
    kinds = totals
    for place in text.indices {
      for order in 0..<min(3, place - text.startIndex + 1) {
        let context = Self.context(text, before: place, order, vocabulary)
        let entry = context * vocabulary + text[place]
        if counts[order][entry] == 0 { kinds[order][context] += 1 }
        counts[order][entry] += 1
        totals[order][context] += 1
      }
    }
  }

  private static func context(
    _ text: ArraySlice<Int>, before place: Int, _ order: Int, _ vocabulary: Int
  ) -> Int {
    text[place - order..<place].reduce(0) { $0 * vocabulary + $1 }
  }

  /// The chance of the symbol at a place of a text, from the two symbols before it.
  package func chance(_ text: ArraySlice<Int>, at place: Int) -> Double {
    var chance = 1 / Double(vocabulary)
    for order in 0..<min(3, place - text.startIndex + 1) {
      let context = Self.context(text, before: place, order, vocabulary)
      let total = Double(totals[order][context])
      guard total > 0 else { break }
      let kinds = Double(kinds[order][context])
      let count = Double(counts[order][context * vocabulary + text[place]])
      chance = (count + kinds * chance) / (total + kinds)
    }
    return chance
  }

  /// The mean of −log₂ of the chances from a place on, each from what stands before it.
  package func bits(of text: [Int], from start: Int) -> Double {
    let sum = text.indices[start...].reduce(0.0) { $0 - log2(chance(text[...], at: $1)) }
    return sum / Double(max(1, text.count - start))
  }
}
