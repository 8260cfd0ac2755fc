import BenchmarkRunner
import Foundation
import Results
import TerminalUI

/// Prints what a `run` command line did.
struct RunPrinter {
  let context: CommandContext
  let records: [RunRecord]
  let references: ReferenceColumn

  /// Everything, in the chosen format; errors go to standard error.
  func print() throws {
    if context.format == .json {
      let runs = records.compactMap { $0.report?.result }
      try context.write(
        String(decoding: try ResultDocument.encode(ResultDocument.Runs(runs: runs)), as: UTF8.self))
    } else {
      let hasRuns = records.contains { $0.result != nil }
      if hasRuns {
        let table = RunTable(records, references: references, isForPeople: context.isForPeople)
        try context.show(table.table())
      }
      try printLaws()
      try printUncertainty()
    }
    try printFailures()
    try printNonFinite()
    try printCoverage()
    try printNumerics()
    try printPlaces()
  }

  private func printLaws() throws {
    guard context.isForPeople, let table = LawTable(records).table() else { return }
    try context.note("")
    try context.show(table)
  }

  private func printUncertainty() throws {
    for result in records.compactMap({ $0.report?.result }) {
      guard let percent = result.model.uncertaintyPercent else { continue }
      let count = result.model.assumedConstants.count
      try context.note(
        "\(result.workload) on \(result.device): the time is uncertain by "
          + "\(ReaderNumber.percent(percent)), from \(count) assumed constants that move it")
    }
  }

  private func printFailures() throws {
    for record in records {
      if let error = record.failure {
        let prefix = record.item.name + ": "
        let message = ErrorReport(error).message
        try context.complain(message.hasPrefix(prefix) ? message : prefix + message)
      } else if let report = record.report, report.result.numerics.isFailed {
        let wrong = report.numerics.filter { !$0.contains(" passed: ") }
        let passed = report.numerics.count - wrong.count
        let lines = wrong.map { "\n  \($0)" }.joined()
        try context.complain(
          "\(record.item.name): wrong values; \(passed) other checks passed\(lines)")
      }
    }
    let waiting = records.count { $0.result == nil }
    if waiting > 0 {
      try context.complain(
        "interrupted: \(waiting) of \(records.count) runs did not finish; the others are saved")
    }
  }

  /// Tensors that hold values which are not finite: what follows from them is no surprise then.
  private func printNonFinite() throws {
    for result in records.compactMap({ $0.report?.result }) {
      let found = result.work.nonFinite
      for tensor in found.prefix(Self.shownTensors) {
        try context.warn("\(result.workload): \(tensor.text)")
      }
      if found.count > Self.shownTensors {
        try context.warn(
          "\(result.workload): \(found.count - Self.shownTensors) more tensors hold such values")
      }
    }
  }

  private static let shownTensors = 8

  /// What ran as device instructions: of one run always, of several where it was not everything.
  private func printCoverage() throws {
    let found = records.compactMap { $0.report.flatMap { CoverageLines($0.result) } }
      .filter { records.count == 1 || !$0.isComplete }
    guard !found.isEmpty, context.isForPeople else { return }
    try context.note("")
    for line in found.flatMap(\.lines) { try context.note(line) }
  }

  /// How right the values are, where one workload was run and a reader may want to know.
  private func printNumerics() throws {
    guard records.count == 1, let report = records[0].report, !report.numerics.isEmpty,
      !report.result.numerics.isFailed
    else { return }
    try context.note("")
    for line in report.numerics { try context.note(line) }
  }

  private func printPlaces() throws {
    let reports = records.compactMap(\.report)
    let files = reports.compactMap(\.file)
    guard !files.isEmpty else { return }
    try context.note("")
    if let only = files.first, files.count == 1 {
      try context.line("result: \(shown(only))")
    } else {
      try context.line("results: \(files.count) files under \(shown(commonFolder(files)))")
    }
    let traces = reports.compactMap(\.result.trace)
    for trace in traces.prefix(1) {
      let others = traces.count > 1 ? " and \(traces.count - 1) more" : ""
      try context.line("trace: \(trace)\(others)")
      try context.line("next: trnbench trace summary \(trace)")
    }
    if traces.isEmpty {
      // Results of a tree that no commit describes, or elsewhere, are not found by the commit.
      let usual = Places(context.environment).results(named: nil).path + "/"
      let isFound =
        reports.allSatisfy(\.result.source.isExact)
        && files.allSatisfy { $0.standardizedFileURL.path.hasPrefix(usual) }
      let comparison = isFound ? "trnbench compare HEAD, or run again" : "run again"
      try context.line("next: \(comparison) with --trace samples")
    }
  }

  /// Paths below the current directory are shown relative to it.
  private func shown(_ url: URL) -> String {
    let here = context.environment.currentDirectory.standardizedFileURL.path + "/"
    let path = url.standardizedFileURL.path
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }

  private func commonFolder(_ files: [URL]) -> URL {
    var common = files[0].deletingLastPathComponent().standardizedFileURL.pathComponents
    for file in files.dropFirst() {
      let parts = file.deletingLastPathComponent().standardizedFileURL.pathComponents
      common = Array(zip(common, parts).prefix { $0 == $1 }.map(\.0))
    }
    return URL(fileURLWithPath: NSString.path(withComponents: common))
  }
}
