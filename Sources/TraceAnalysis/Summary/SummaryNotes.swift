import TraceFile

extension TraceSummary {
  /// What the summary leaves out, and what to do about it: sentences for people.
  package var notes: [String] {
    guard let skippedRecords else { return [] }
    return [
      "The critical path, lost time and advice are left out: \(skippedRecords) records are more "
        + "than \(pathLimit); choose a part with --from and --to, or follow all of it with --path, "
        + "which takes some seconds for ten million records."
    ]
  }
}
