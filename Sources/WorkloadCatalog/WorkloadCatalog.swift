import Foundation

/// The folder of workloads: what there is, and what a name on the command line means.
package struct WorkloadCatalog: Sendable {
  /// The folder `Workloads`.
  package let root: String
  /// Every workload's name, `family/name`, sorted.
  package let names: [String]
  /// Every suite, sorted by name.
  package let suites: [WorkloadSuite]
  /// The names of models that need more than one chip, sorted; none of them is among `names`.
  package let largeNames: [String]

  /// Folders beside the families that hold no workloads.
  static let reserved = [
    "suites", "devices", "references", "architectures", "data", "calibration", "large",
  ]

  /// A catalog of nothing.
  package init() {
    root = ""
    names = []
    suites = []
    largeNames = []
  }

  /// Reads the folder's list and its suites; workload files are read when asked for.
  /// Throws `unreadable`, and what the suites' files have wrong.
  package init(root: String) throws(WorkloadError) {
    self.root = root
    let names = try Self.names(in: root)
    self.names = names
    largeNames = Self.isFolder("\(root)/large") ? try Self.names(in: "\(root)/large") : []
    var suites: [WorkloadSuite] = []
    for file in try Self.list("\(root)/suites") where file.hasSuffix(".yaml") {
      suites.append(
        try WorkloadSuite.read(
          contentsOf: "\(root)/suites/\(file)", name: String(file.dropLast(5)), names: names))
    }
    self.suites = suites
  }

  /// `family/name` of each file, sorted.
  private static func names(in root: String) throws(WorkloadError) -> [String] {
    var names: [String] = []
    for family in try list(root) where !reserved.contains(family) {
      guard isFolder("\(root)/\(family)") else { continue }
      for file in try list("\(root)/\(family)") where file.hasSuffix(".yaml") {
        names.append("\(family)/\(file.dropLast(5))")
      }
    }
    return names
  }

  /// Finds the folder: `TRNBENCH_WORKLOADS` if set, else `Workloads` in `start` or a folder above
  /// it, else the same from the executable's folder. Throws `noCatalog`.
  package static func findRoot(
    start: String, environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String? = nil
  ) throws(WorkloadError) -> String {
    if let given = environment["TRNBENCH_WORKLOADS"], !given.isEmpty {
      guard isFolder("\(given)/suites") else { throw .noCatalog(start: given) }
      return given
    }
    let folder = executable.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
    for place in [start, folder].compactMap(\.self) {
      var current = URL(fileURLWithPath: place).standardizedFileURL
      while true {
        let candidate = current.appendingPathComponent("Workloads").path
        if isFolder("\(candidate)/suites") { return candidate }
        let above = current.deletingLastPathComponent()
        if above.path == current.path { break }
        current = above
      }
    }
    throw .noCatalog(start: start)
  }

  private static func isFolder(_ path: String) -> Bool {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
  }

  private static func list(_ path: String) throws(WorkloadError) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: path).sorted() } catch {
      throw .unreadable(path: path, reason: "no such folder, or no permission")
    }
  }

  /// One workload. Throws `unknownName` and what its file has wrong.
  package func specification(named name: String) throws(WorkloadError) -> WorkloadSpecification {
    guard names.contains(name) else {
      throw .unknownName(
        kind: "workload", name: name, nearest: NearestName.find(name, in: names))
    }
    let section = try YAMLSection(contentsOf: "\(root)/\(name).yaml", name: "the workload")
    let reader = WorkloadReader { (wanted) throws(WorkloadError) in try architecture(wanted) }
    var specification = try reader.read(section, name: name)
    specification.suites = suites.filter { $0.workloads.contains(name) }.map(\.name)
    return specification
  }

  /// Every workload, sorted by name. Throws the first file's error.
  package func specifications() throws(WorkloadError) -> [WorkloadSpecification] {
    var result: [WorkloadSpecification] = []
    for name in names { result.append(try specification(named: name)) }
    return result
  }

  /// One model of `largeNames`. Throws `unknownName` and what its file has wrong.
  package func large(named name: String) throws(WorkloadError) -> LargeModel {
    guard largeNames.contains(name) else {
      throw .unknownName(
        kind: "model", name: name, nearest: NearestName.find(name, in: largeNames))
    }
    return try LargeModel.read(
      contentsOf: "\(root)/large/\(name).yaml", name: name, workloads: names
    ) { (wanted) throws(WorkloadError) in try architecture(wanted) }
  }

  /// The names of the architectures, sorted.
  package func architectureNames() throws(WorkloadError) -> [String] {
    try Self.list("\(root)/architectures").filter { $0.hasSuffix(".yaml") }.map {
      String($0.dropLast(5))
    }
  }

  /// One architecture. Throws `unknownName` and what its file has wrong.
  package func architecture(_ name: String) throws(WorkloadError) -> ModelArchitecture {
    let known = try architectureNames()
    guard known.contains(name) else {
      throw .unknownName(
        kind: "architecture", name: name, nearest: NearestName.find(name, in: known))
    }
    return try ModelArchitecture.read(
      contentsOf: "\(root)/architectures/\(name).yaml", name: name)
  }

  /// The workloads that names on a command line mean: a workload, a suite, or a pattern with `*`
  /// and `?`; in the order given, each once. Throws `unknownName` and `noMatch`.
  package func resolve(_ arguments: [String]) throws(WorkloadError) -> [String] {
    var result: [String] = []
    for argument in arguments {
      for name in try resolve(argument) where !result.contains(name) { result.append(name) }
    }
    return result
  }

  private func resolve(_ argument: String) throws(WorkloadError) -> [String] {
    if let suite = suites.first(where: { $0.name == argument }) { return suite.workloads }
    if let matches = NamePattern.matches(argument, in: names) { return matches }
    if NamePattern.isPattern(argument) { throw .noMatch(pattern: argument) }
    let candidates = suites.map(\.name) + names + largeNames
    throw .unknownName(
      kind: "workload or suite", name: argument,
      nearest: NearestName.find(argument, in: candidates)
        ?? names.first { $0.hasSuffix("/\(argument)") })
  }
}
