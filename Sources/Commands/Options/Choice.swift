import TerminalUI

/// Reads one word of a closed set.
enum Choice {
  /// The value whose word this is. Throws `UnknownChoice` with the nearest word.
  static func of<Value: CaseIterable & RawRepresentable>(
    _ word: String
  ) throws(UnknownChoice) -> Value where Value.RawValue == String {
    if let value = Value(rawValue: word) { return value }
    throw UnknownChoice(word: word, known: Value.allCases.map(\.rawValue))
  }
}

/// A word outside a closed set; the argument parser says before it which word and which option.
struct UnknownChoice: Error, Equatable, CustomStringConvertible {
  var word: String
  var known: [String]

  var description: String {
    let nearest = closestMatch(word, in: known).map { "did you mean '\($0)'? " } ?? ""
    return nearest + "Expected one of " + known.joined(separator: ", ") + "."
  }
}
