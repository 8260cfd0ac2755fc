/// How a command ended: one value per exit code of the command line, defined here and nowhere else.
package enum Outcome: Int32, CaseIterable, Error, Sendable {
  /// Finished; improvements included.
  case done = 0
  /// A bug of this project, or two different exact values under one identity.
  case internalError = 1
  /// A metric became worse by more than the gate allows.
  case regression = 2
  /// A run failed: wrong values, a deadlock, a hazard, a fault.
  case runFailed = 3
  /// There is nothing to compare with.
  case baselineMissing = 5
  /// Other shape, number format or workload version: refused, never scaled.
  case notComparable = 6
  /// Too little evidence either way; an exit code of its own only when asked for.
  case inconclusive = 7
  /// The command line or an input is wrong.
  case badInput = 64
  /// A file is damaged or partial.
  case damagedFile = 65
  /// Reading or writing failed, a full disk included.
  case inputOutputFailed = 74
  /// Interrupted, after what was finished has been saved.
  case interrupted = 130

  /// The process's exit code.
  package var exitCode: Int32 { rawValue }

  /// The outcome in a few words, for the last line on standard error.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .internalError: "internal error"
    case .regression: "a regression beyond the gate"
    case .runFailed: "a run failed"
    case .baselineMissing: "the baseline is missing"
    case .notComparable: "not comparable"
    case .inconclusive: "inconclusive"
    case .badInput: "the command line or an input is wrong"
    case .damagedFile: "a file is damaged or partial"
    case .inputOutputFailed: "reading or writing failed"
    case .interrupted: "interrupted"
    }
  }
}

/// An error that knows which exit code it leads to and what to tell the reader.
package protocol OutcomeError: Error, CustomStringConvertible {
  /// The exit code's outcome.
  var outcome: Outcome { get }
}
