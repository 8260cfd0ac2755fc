/// What can go wrong with recorded results: each case says what, where and what to do.
package enum ResultsError: OutcomeError, Equatable {
  /// The file system refused the path to this user.
  case permissionDenied(path: String)
  /// No space left while writing.
  case diskFull(path: String)
  /// Any other failure of the file system.
  case inputOutput(path: String, reason: String)
  /// The text stops being JSON at this byte, counted from 0.
  case damaged(path: String, byte: Int, reason: String)
  /// Good JSON that is not a result: the field and what is wrong with it.
  case invalidField(path: String, field: String, reason: String)
  /// A result of a schema that this version does not read.
  case unsupportedSchema(path: String, found: Int)
  /// The path already holds a result of another identity.
  case identityConflict(path: String, field: String, existing: String, new: String)
  /// One identity, two different exact values.
  case determinismViolation(identity: String, metric: String, first: String, second: String)
  /// A part of the result's name that cannot become part of a path.
  case invalidName(field: String, value: String)
  /// A number that JSON cannot hold.
  case notFinite(field: String)
  /// Neither a file, nor a folder, nor a revision that git knows.
  case unknownRevision(String)
  /// A revision was asked for and there is no git, or no repository.
  case noGit(revision: String)
  /// The selection is valid and holds no result.
  case noResults(selection: String, hint: String)

  /// The exit code's outcome.
  package var outcome: Outcome {
    switch self {
    case .permissionDenied, .diskFull, .inputOutput: .inputOutputFailed
    case .damaged, .invalidField, .unsupportedSchema: .damagedFile
    case .determinismViolation, .notFinite: .internalError
    case .identityConflict, .invalidName, .unknownRevision, .noGit: .badInput
    case .noResults: .baselineMissing
    }
  }

  /// What happened, where, and what to do about it.
  package var description: String {
    switch self {
    case .permissionDenied, .diskFull, .inputOutput: fileSystemDescription
    case .damaged, .invalidField, .unsupportedSchema: contentDescription
    default: meaningDescription
    }
  }

  private var fileSystemDescription: String {
    switch self {
    case .permissionDenied(let path):
      "\(path): permission denied; make it accessible or choose another folder with --output"
    case .diskFull(let path):
      "\(path): no space left on the disk; nothing was changed; free some and run again"
    case .inputOutput(let path, let reason): "\(path): \(reason)"
    default: ""
    }
  }

  private var contentDescription: String {
    switch self {
    case .damaged(let path, let byte, let reason):
      "\(path): damaged at byte \(byte): \(reason); "
        + "if it is a result, delete it and run the workload again"
    case .invalidField(let path, let field, let reason): "\(path): field '\(field)': \(reason)"
    case .unsupportedSchema(let path, let found):
      "\(path): schema \(found), this version reads schema \(RunResult.schema)"
    default: ""
    }
  }

  private var meaningDescription: String {
    switch self {
    case .identityConflict(let path, let field, let existing, let new):
      "\(path) holds a result with \(field) '\(existing)', the new one has '\(new)'; "
        + "give the run a variant name or another --output"
    case .determinismViolation(let identity, let metric, let first, let second):
      "\(identity): \(metric) was \(first) and is now \(second) for the same commit and inputs; "
        + "simulated metrics repeat exactly, please report this"
    case .invalidName(let field, let value):
      "\(field) '\(value)' cannot be part of a path; use letters, digits, '.', '_', '+' and '-'"
    case .notFinite(let field): "\(field) is not a finite number; please report this"
    case .unknownRevision(let text):
      "'\(text)' is no result file or folder, and git knows no such commit, tag or branch"
    case .noGit(let revision):
      "'\(revision)' is no file or folder, and there is no git repository to look it up in; "
        + "name a result file or folder"
    case .noResults(let selection, let hint): "no results for \(selection); \(hint)"
    default: ""
    }
  }
}
