/// What the rules let through, each with its reason. An entry that nothing needs any more fails.
enum Exceptions {
  struct File {
    let path: String
    let reason: String
  }

  struct Literal {
    let path: String
    let literal: String
    let reason: String
  }

  /// Modules whose work is raw memory; see ARCHITECTURE.md.
  static let unsafeRooms: Set<String> = ["VectorKernels", "CoreState", "TraceFile"]

  /// Files outside those rooms that may say `unsafe`. Wrappers of C named `Name+C.swift` need no
  /// entry.
  static let unsafeFiles: [File] = []

  /// Numbers of 1,000 or more in modules that must take every constant from `Hardware`.
  static let largeLiterals: [Literal] = []
}
