/// What is wrong in an assembly text, and where.
public struct AssemblyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line, from 1 on.
  public var line: Int
  /// The byte of the line, from 1 on.
  public var column: Int
  /// What is wrong and what would be right.
  public var message: String
  /// The text of the line.
  public var source: String

  /// The place, the message, the line and a caret under the place.
  public var description: String {
    let before = source.utf8.prefix(column - 1)
    let padding = before.map { $0 == UInt8(ascii: "\t") ? "\t" : " " }.joined()
    return "line \(line), column \(column): \(message)\n  \(source)\n  \(padding)^"
  }
}

/// One line of an assembly text: the place that errors point to.
struct SourceLine {
  var number: Int
  var text: String

  func error(_ column: Int, _ message: String) -> AssemblyError {
    AssemblyError(line: number, column: column + 1, message: message, source: text)
  }

  /// "no X is named 'y'; did you mean 'z'?"
  func unknown(_ column: Int, _ kind: String, _ name: String, nearest: String?, known: [String])
    -> AssemblyError
  {
    let hint = nearest.map { "did you mean '\($0)'?" } ?? "known: " + known.joined(separator: ", ")
    return error(column, "no \(kind) is named '\(name)'; \(hint)")
  }
}
