import Comparison
import Foundation
import Hardware
import Results
import TerminalUI
import WorkloadCatalog

/// Finds what the two sides of a comparison name and compares them.
struct ComparisonSides {
  let environment: CommandEnvironment
  let store: ResultStore
  let comparator: Comparison.Comparator

  /// What `text` names; a file or folder that exists wins over a revision.
  func selection(_ text: String?) -> ResultSelection {
    guard let text else { return .workingTree }
    if text.hasPrefix("reference:") { return ResultSelection(text) }
    if text.hasPrefix("device:") { return device(String(text.dropFirst("device:".count))) }
    let url = environment.url(text)
    return FileManager.default.fileExists(atPath: url.path) ? .path(url) : .revision(text)
  }

  /// Results of a device file are found by what the file says today.
  private func device(_ name: String) -> ResultSelection {
    guard DeviceNames.isFile(name), let device = try? DeviceNames.device(name, environment) else {
      return .device(name)
    }
    return .device(device.identity)
  }

  /// Checks the names of devices and references before any result is read. Throws the nearest.
  func checkNames(_ selection: ResultSelection) throws {
    switch selection {
    case .device(let name):
      // Only results know the identity of a device from a file.
      if !name.contains("+") { _ = try DeviceNames.device(name, environment) }
    case .reference(let name):
      let known = ReferenceCatalog.names(in: try Places(environment).references())
      guard !known.contains(name) else { return }
      throw CommandFailure.unknownName(
        kind: "reference", name: name, nearest: closestMatch(name, in: known),
        list: "trnbench list references")
    case .path, .revision, .workingTree: break
    }
  }

  /// The results of a side. Throws what cannot be found.
  func results(_ selection: ResultSelection) throws -> [RunResult] {
    try store.results(selection, git: Places(environment).git)
  }

  /// Our results beside the published numbers of one file, and whether that file has any.
  func compare(
    reference name: String, with results: [RunResult]
  ) throws -> (report: ComparisonReport, hasNumbers: Bool) {
    let folder = try Places(environment).references()
    let published = try ReferenceCatalog.load(name, in: folder).publishedNumbers
    var report = ComparisonReport(rows: [])
    for device in Set(results.map(\.device)).sorted() {
      if device.contains("+") {
        report.refusals.append(
          Refusal(workload: device, reason: "a device from a file has no chip to compare with"))
        continue
      }
      let chip = ChipCapacity(try Device.named(device))
      let part = ReferenceComparator(chip: chip).compare(
        results.filter { $0.device == device }, with: published)
      report.rows += part.rows
      report.refusals += part.refusals
    }
    return (report, !published.isEmpty)
  }

  /// Checks the names of metrics against those that the results have.
  static func check(metrics: [String], in results: [RunResult]) throws(CommandFailure) {
    let known = Set(results.flatMap(\.metrics.keys))
      .union(StandardMetric.allCases.map(\.rawValue)).sorted()
    for name in metrics where !known.contains(name) {
      throw .unknownName(
        kind: "metric", name: name, nearest: closestMatch(name, in: known),
        list: "trnbench compare --all")
    }
  }
}
