/// A named selection of workloads, from `Workloads/suites/`.
package struct WorkloadSuite: Hashable, Sendable {
  /// The file's name without its ending.
  package let name: String
  /// One line for people.
  package let title: String
  /// The workloads, in the order in which they run.
  package let workloads: [String]

  /// Reads a suite; its entries are names or patterns of `names`. Throws what `YAMLSection` finds,
  /// and `badValue` for an entry that names nothing.
  static func read(contentsOf path: String, name: String, names: [String]) throws(WorkloadError)
    -> WorkloadSuite
  {
    var section = try YAMLSection(contentsOf: path, name: "the suite")
    let title = try section.text("title")
    var workloads: [String] = []
    for entry in try section.located("workloads") {
      guard let matches = NamePattern.matches(entry.text, in: names) else {
        throw .badValue(
          entry.location, key: "workloads", expected: "a workload's name or a pattern of names",
          found: "'\(entry.text)'", nearest: NearestName.find(entry.text, in: names))
      }
      for match in matches where !workloads.contains(match) { workloads.append(match) }
    }
    try section.finish()
    return WorkloadSuite(name: name, title: title, workloads: workloads)
  }
}

/// Names with `*` for any letters but a slash and `?` for one.
enum NamePattern {
  /// True when the text holds a wildcard.
  static func isPattern(_ text: String) -> Bool { text.contains("*") || text.contains("?") }

  /// The names that a name or pattern means, in their order; nil when there are none.
  static func matches(_ pattern: String, in names: [String]) -> [String]? {
    let found = names.filter { matches(Array(pattern.utf8)[...], Array($0.utf8)[...]) }
    return found.isEmpty ? nil : found
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    if first == UInt8(ascii: "*") {
      if matches(rest, name) { return true }
      guard let next = name.first, next != UInt8(ascii: "/") else { return false }
      return matches(pattern, name.dropFirst())
    }
    guard let next = name.first else { return false }
    let fits = first == next || (first == UInt8(ascii: "?") && next != UInt8(ascii: "/"))
    return fits && matches(rest, name.dropFirst())
  }
}
