/// One value of a table: the raw value for machines, and how people read it.
package enum Cell: Hashable, Sendable {
  case text(String)
  /// An exact integer, printed in full.
  case integer(Int64)
  /// A plain number, printed with four significant digits.
  case number(Double)
  /// A count, printed with an SI prefix; the unit stands behind it.
  case count(Double, unit: String)
  /// A time in seconds.
  case seconds(Double)
  /// A time in microseconds: machines read microseconds, people the best unit.
  case microseconds(Double)
  /// A time in picoseconds: machines read the exact number, people the best unit.
  case picoseconds(Int64)
  /// A difference of times in picoseconds, with its sign.
  case signedPicoseconds(Int64)
  case bytes(Double)
  case percent(Double)
  /// A relative change in percent, with its sign.
  case change(Double)
  case flag(Bool)
  /// Nothing to show: a dash, JSON null, an empty CSV field.
  case missing

  /// The text for people.
  package var display: String {
    switch self {
    case .text(let text): Self.printable(text)
    case .integer(let value): "\(value)"
    case .number(let value): ReaderNumber.significant(value)
    case .count(let value, let unit): ReaderNumber.count(value, unit: unit)
    case .seconds(let value): ReaderNumber.time(seconds: value)
    case .microseconds(let value): ReaderNumber.time(seconds: value * 1e-6)
    case .picoseconds(let value): ReaderNumber.time(seconds: Double(value) * 1e-12)
    case .signedPicoseconds(let value):
      value == 0
        ? "=" : (value > 0 ? "+" : "") + ReaderNumber.time(seconds: Double(value) * 1e-12)
    case .bytes(let value): ReaderNumber.bytes(value)
    case .percent(let value): ReaderNumber.percent(value)
    case .change(let value): ReaderNumber.change(percent: value)
    case .flag(let value): value ? "yes" : "no"
    case .missing: "-"
    }
  }

  /// The raw value as text, for CSV; empty when missing.
  package var raw: String {
    switch self {
    case .text(let text): text
    case .integer(let value), .picoseconds(let value), .signedPicoseconds(let value):
      "\(value)"
    case .flag(let value): value ? "true" : "false"
    case .missing: ""
    case .number(let value), .count(let value, _), .seconds(let value), .microseconds(let value),
      .bytes(let value), .percent(let value), .change(let value):
      Self.rawNumber(value)
    }
  }

  /// The raw value as JSON.
  package var json: String {
    switch self {
    case .text(let text): JSONText.quoted(text)
    case .missing: "null"
    case .integer, .flag, .picoseconds, .signedPicoseconds: raw
    default: raw == "nan" || raw == "inf" || raw == "-inf" ? "null" : raw
    }
  }

  private static func rawNumber(_ value: Double) -> String {
    let isWhole = value.rounded() == value && value.magnitude < 9_007_199_254_740_992
    return isWhole ? "\(Int64(value))" : "\(value)"
  }

  /// Control characters would move the cursor or change colours, so they are shown, not sent.
  private static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return text
    }
    return String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}

/// JSON texts without a dependency on Foundation.
enum JSONText {
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
