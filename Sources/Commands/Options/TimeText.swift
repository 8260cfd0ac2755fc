import Units

/// Reads simulated times such as `500ns`, `1.5us` or `2ms`, exactly.
enum TimeText {
  private static let units: [(name: String, digits: Int)] = [
    ("ps", 0), ("ns", 3), ("us", 6), ("ms", 9), ("s", 12),
  ]

  /// The time that the text spells. Throws `UnreadableTime`.
  static func parse(_ text: String) throws(UnreadableTime) -> Picoseconds {
    guard let unit = units.first(where: { text.hasSuffix($0.name) }) else {
      throw UnreadableTime()
    }
    let number = text.dropLast(unit.name.count)
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let whole = String(parts[0])
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    let isPlain = (whole + fraction).utf8.allSatisfy { (48...57).contains($0) }
    // A dot without digits behind it and a fraction finer than a picosecond are mistakes.
    let hasDigits = !whole.isEmpty && (parts.count == 1 || !fraction.isEmpty)
    guard isPlain, hasDigits, fraction.count <= unit.digits else { throw UnreadableTime() }
    let padding = String(repeating: "0", count: unit.digits - fraction.count)
    guard let value = Int64(whole + fraction + padding), value < Picoseconds.never.value else {
      throw UnreadableTime()
    }
    return Picoseconds(value)
  }

  /// A time that is more than nothing, for intervals. Throws `UnreadableTime`.
  static func parseInterval(_ text: String) throws(UnreadableTime) -> Picoseconds {
    let time = try parse(text)
    guard time > .zero else { throw UnreadableTime() }
    return time
  }
}

/// A text that is no time; the argument parser says before it which text and which option.
struct UnreadableTime: Error, Equatable, CustomStringConvertible {
  var description: String {
    "expected a number and one of ps, ns, us, ms, s, such as 500ns or 1.5us; "
      + "nothing finer than a picosecond, intervals above zero."
  }
}
