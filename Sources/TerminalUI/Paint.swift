/// A colour or weight with a meaning; texts always say the same without it.
package enum Paint: String, CaseIterable, Sendable {
  case heading, good, bad, doubtful, faint

  /// The text between this paint's escape sequences.
  package func apply(_ text: String) -> String { "\u{1B}[\(code)m\(text)\u{1B}[0m" }

  private var code: String {
    switch self {
    case .heading: "1"
    case .good: "32"
    case .bad: "31"
    case .doubtful: "33"
    case .faint: "2"
    }
  }
}
