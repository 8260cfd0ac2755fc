/// Why a profiler report cannot be imported: each says what, where, and what to do.
package enum ProfileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The file ends in the middle, or its compressed form does not check out.
  case damagedArchive(path: String, reason: String)
  /// The text is no JSON from this place on.
  case syntax(path: String, line: Int, column: Int, expected: String, found: String)
  /// The JSON is sound, but not what a profiler report holds at this place.
  case schema(path: String, place: String, expected: String, found: String)

  /// What happened, for people.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason); check the path and its permissions"
    case .damagedArchive(let path, let reason):
      "\(path): damaged gzip file: \(reason); copy it again from where it was made"
    case .syntax(let path, let line, let column, let expected, let found):
      "\(path):\(line):\(column): expected \(expected), found \(found); "
        + "a report is one whole JSON document, cut or edited files are refused"
    case .schema(let path, let place, let expected, let found):
      "\(path): \(place): expected \(expected), found \(found); "
        + "make the report with 'neuron-profile view --output-format json'"
    }
  }

  /// The process exit code: 74 unreadable, 65 damaged, 64 not a profiler report.
  package var exitCode: Int32 {
    switch self {
    case .unreadable: 74
    case .damagedArchive, .syntax: 65
    case .schema: 64
    }
  }
}
