package import Results

/// What can go wrong on the command line itself: each case says what, where and what to do.
package enum CommandFailure: OutcomeError, Equatable {
  /// A word that is no verb; `path` is what stands before it, such as `trnbench trace`.
  case unknownVerb(String, path: String, nearest: String?)
  /// An option that the verb does not have.
  case unknownOption(String, path: String, nearest: String?)
  /// A name that nothing has.
  case unknownName(kind: String, name: String, nearest: String?, list: String)
  /// Something that a later release brings, or that cannot be combined.
  case unsupported(what: String, advice: String)
  /// Two inputs that say nothing about each other.
  case notComparable(what: String, advice: String)
  /// A value that an option does not take.
  case badValue(option: String, found: String, expected: String)
  /// A word outside the closed set that an option or argument takes.
  case badWord(option: String, found: String, nearest: String?, known: [String])
  /// A program text with mistakes in it, each already described.
  case badProgram(String)
  /// A binary program that is cut, changed, or of a later version.
  case damagedProgram(path: String, reason: String)
  /// A file that cannot be read.
  case unreadable(path: String, reason: String)
  /// Output that cannot be written.
  case writing(reason: String)

  /// The exit code's outcome.
  package var outcome: Outcome {
    switch self {
    case .unreadable, .writing: .inputOutputFailed
    case .damagedProgram: .damagedFile
    case .notComparable: .notComparable
    default: .badInput
    }
  }

  /// What happened, where, and what to do about it.
  package var description: String {
    switch self {
    case .unknownVerb(let word, let path, let nearest):
      "'\(path)' has no verb '\(word)'\(Self.hint(nearest)); '\(path) --help' lists them"
    case .unknownOption(let option, let path, let nearest):
      "'\(path)' has no option '\(option)'\(Self.hint(nearest)); '\(path) --help' lists them"
    case .unknownName(let kind, let name, let nearest, let list):
      "no \(kind) is named '\(name)'\(Self.hint(nearest)); '\(list)' lists them"
    case .unsupported(let what, let advice), .notComparable(let what, let advice):
      "\(what); \(advice)"
    case .badValue(let option, let found, let expected):
      "\(option): expected \(expected), found '\(found)'"
    case .badWord(let option, let found, let nearest, let known):
      "\(option): '\(found)' is none of \(known.joined(separator: ", "))\(Self.hint(nearest))"
    case .badProgram(let text): text
    case .damagedProgram(let path, let reason): "\(path): \(reason)"
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason); check the path and its permissions"
    case .writing(let reason):
      "standard output cannot be written: \(reason); free space or choose another file"
    }
  }

  private static func hint(_ nearest: String?) -> String {
    nearest.map { " (did you mean '\($0)'?)" } ?? ""
  }
}
