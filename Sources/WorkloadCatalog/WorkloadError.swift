package import ModelGraph

/// A place in a file that a person wrote.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
  /// The file's path as it was opened.
  package let file: String
  /// Counted from 1.
  package let line: Int
  /// Counted from 1.
  package let column: Int

  /// A place.
  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`, as editors understand it.
  package var description: String { "\(file):\(line):\(column)" }
}

/// A workload file or name that cannot be used: where, what was expected, what was found.
package enum WorkloadError: Error, Equatable, CustomStringConvertible {
  /// The text is no YAML.
  case syntax(SourceLocation, reason: String)
  /// A value of the wrong kind, or outside its range.
  case badValue(SourceLocation, key: String, expected: String, found: String, nearest: String?)
  /// A key that means nothing here.
  case unknownKey(SourceLocation, key: String, nearest: String?, known: [String])
  /// A key that must be there; the location is that of the mapping that lacks it.
  case missingKey(SourceLocation, key: String, section: String)
  /// A file or folder that cannot be read.
  case unreadable(path: String, reason: String)
  /// No workload, suite or architecture of that name.
  case unknownName(kind: String, name: String, nearest: String?)
  /// A pattern that no workload matches.
  case noMatch(pattern: String)
  /// No folder of workloads.
  case noCatalog(start: String)
  /// The workload does not allow the number format.
  case precision(workload: String, found: String, allowed: [String])
  /// The graph of the workload means nothing.
  case graph(workload: String, GraphError)

  /// What, where, and what to do.
  package var description: String {
    switch self {
    case .syntax(let location, let reason): "\(location): no YAML: \(reason)"
    case .badValue(let location, let key, let expected, let found, let nearest):
      "\(location): \(key): expected \(expected); found \(found)" + Self.hint(nearest)
    case .unknownKey(let location, let key, let nearest, let known):
      "\(location): unknown key '\(key)'"
        + (nearest == nil
          ? "; known here: \(known.joined(separator: ", "))" : Self.hint(nearest))
    case .missingKey(let location, let key, let section):
      "\(location): \(section) lacks '\(key)'; add it"
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unknownName(let kind, let name, let nearest):
      "no \(kind) is named '\(name)'"
        + (nearest == nil ? "; 'trnbench list' names them" : Self.hint(nearest))
    case .noMatch(let pattern): "no workload matches '\(pattern)'; 'trnbench list' names them"
    case .noCatalog(let start):
      "no folder 'Workloads' with a folder 'suites' in it, from \(start) upwards; "
        + "set TRNBENCH_WORKLOADS to it"
    case .precision(let workload, let found, let allowed):
      "\(workload) does not run in \(found); it allows \(allowed.joined(separator: ", "))"
    case .graph(let workload, let error): "\(workload): \(error)"
    }
  }

  private static func hint(_ nearest: String?) -> String {
    nearest.map { ". Did you mean '\($0)'?" } ?? ""
  }
}
