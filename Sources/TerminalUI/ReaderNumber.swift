/// Numbers as a reader wants them: the unit chosen by size, four significant digits.
package enum ReaderNumber {
  /// A time given in seconds, as ns, us, ms or s (ps below a nanosecond).
  package static func time(seconds: Double) -> String {
    let steps: [(size: Double, unit: String)] = [
      (1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"), (1e-12, "ps"),
    ]
    return scaled(seconds, steps: steps)
  }

  /// A size as B, KiB, MiB, GiB or TiB.
  package static func bytes(_ count: Double) -> String {
    let kibi = 1024.0
    let steps: [(size: Double, unit: String)] = [
      (kibi * kibi * kibi * kibi, "TiB"), (kibi * kibi * kibi, "GiB"), (kibi * kibi, "MiB"),
      (kibi, "KiB"), (1, "B"),
    ]
    return scaled(count, steps: steps)
  }

  /// A count with SI prefixes: `950`, `12.35 k`, `1.184 M`; `unit` is put behind the prefix.
  package static func count(_ value: Double, unit: String = "") -> String {
    let steps: [(size: Double, unit: String)] = [
      (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""),
    ]
    let text = scaled(value, steps: steps.map { ($0.size, $0.unit + unit) })
    return text.hasSuffix(" ") ? String(text.dropLast()) : text
  }

  /// `71.3 %`, two digits behind the point below one percent.
  package static func percent(_ value: Double) -> String {
    guard value.isFinite else { return special(value) }
    return fixed(value, digits: value != 0 && value.magnitude < 1 ? 2 : 1) + " %"
  }

  /// `+1.25 %`, `-0.30 %`, `=` for no change at all and `~0 %` for one that rounds away.
  package static func change(percent value: Double) -> String {
    guard value.isFinite else { return special(value) }
    if value == 0 { return "=" }
    let text = fixed(value.magnitude, digits: value.magnitude < 100 ? 2 : 0)
    if text == "0.00" { return "~0 %" }
    return (value < 0 ? "-" : "+") + text + " %"
  }

  /// The value in decimal notation, rounded half to even on the nearest double.
  package static func fixed(_ value: Double, digits: Int) -> String {
    precondition((0...9).contains(digits), "at most nine digits behind the point")
    guard value.isFinite else { return special(value) }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded(.toNearestOrEven)
    guard scaled < 9e18 else { return "\(value)" }
    let whole = UInt64(scaled)
    let sign = value < 0 && whole != 0 ? "-" : ""
    if digits == 0 { return sign + "\(whole)" }
    let divisor = UInt64(scale)
    let fraction = "\(whole % divisor)"
    let padding = String(repeating: "0", count: digits - fraction.count)
    return sign + "\(whole / divisor)." + padding + fraction
  }

  /// Four significant digits in decimal notation; whole numbers stay whole.
  package static func significant(_ value: Double) -> String {
    guard value.isFinite else { return special(value) }
    if value.rounded() == value, value.magnitude < 10_000 { return fixed(value, digits: 0) }
    // The limits are where rounding carries into the next digit: 9.9996 is 10.00, not 10.000.
    switch value.magnitude {
    case 999.95...: return fixed(value, digits: 0)
    case 99.995..<999.95: return fixed(value, digits: 1)
    case 9.9995..<99.995: return fixed(value, digits: 2)
    case 0.99995..<9.9995: return fixed(value, digits: 3)
    case 0.1..<0.99995: return fixed(value, digits: 4)
    default: return value.magnitude < 1e-6 ? "\(value)" : fixed(value, digits: 6)
    }
  }

  private static func scaled(_ value: Double, steps: [(size: Double, unit: String)]) -> String {
    guard value.isFinite else { return special(value) }
    let last = steps[steps.count - 1]
    if value == 0 { return "0 " + steps.first { $0.size == 1 }.map(\.unit, or: last.unit) }
    // The first step whose rounded figure is at least 1, so that 999.96 us prints as 1.000 ms.
    let step = steps.first { value.magnitude / $0.size >= 0.99995 } ?? last
    return significant(value / step.size) + " " + step.unit
  }

  private static func special(_ value: Double) -> String {
    value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
  }
}

extension Optional {
  fileprivate func map<Value>(_ path: KeyPath<Wrapped, Value>, or other: Value) -> Value {
    self.map { $0[keyPath: path] } ?? other
  }
}
