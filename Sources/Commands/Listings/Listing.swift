import TerminalUI

/// What `trnbench list` can list.
enum ListingKind: String, CaseIterable {
  case workloads, suites, devices, references, kernels, instructions
}

/// A table, and what could not be listed.
struct Listing {
  var table: Table
  /// Files that could not be read; the table holds the rest.
  var failures: [any Error] = []
}
