/// modules.txt as the style rules read it: who may import whom.
struct ModuleGraph {
  struct Module: Equatable {
    let name: String
    let imports: [String]
    /// Counted from zero.
    let line: Int
  }

  static let path = "modules.txt"

  /// Products of other packages that a row may name.
  static let packages: Set<String> = ["ArgumentParser", "Yams", "SwiftProtobuf"]

  /// What every module may import: the language's own and the system's libraries.
  static let systemModules: Set<String> = [
    "Swift", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin", "Dispatch",
    "Synchronization", "System", "SystemPackage", "RegexBuilder",
  ]

  let modules: [Module]

  init(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    modules = lines.enumerated().compactMap { number, line in
      guard !line.hasPrefix("#"), let colon = line.firstIndex(of: ":") else { return nil }
      let name = line[..<colon].filter { $0 != "!" && $0 != " " }
      let imports = line[line.index(after: colon)...].split(separator: " ").map(String.init)
      return Module(name: name, imports: imports, line: number)
    }
  }

  func module(named name: String) -> Module? { modules.first { $0.name == name } }

  /// Everything that a module sees, directly or through what it imports.
  func reachable(from name: String) -> Set<String> {
    var found: Set<String> = []
    var open = module(named: name)?.imports ?? []
    while let next = open.popLast() {
      guard found.insert(next).inserted else { continue }
      open += module(named: next)?.imports ?? []
    }
    return found
  }

  /// A row names only what stands above it, so the graph has no cycle.
  var orderViolations: [Violation] {
    var above = Self.packages
    var violations: [Violation] = []
    for module in modules {
      for name in module.imports where !above.contains(name) {
        violations.append(violation(module.line, "'\(name)' does not stand above \(module.name)"))
      }
      if !above.insert(module.name).inserted {
        violations.append(violation(module.line, "'\(module.name)' has two rows"))
      }
    }
    return violations
  }

  /// What design forbids whoever edits the table: `module` sees none of `hidden`.
  func hiddenViolations(module name: String, hidden: Set<String>) -> [Violation] {
    let line = module(named: name)?.line ?? 0
    return reachable(from: name).intersection(hidden).sorted().map { seen in
      violation(line, "\(name) must not see \(seen)")
    }
  }

  /// Each row has a folder, and each folder a row.
  func folderViolations(folders: [String]) -> [Violation] {
    let missing = modules.filter { !folders.contains($0.name) }
      .map { violation($0.line, "there is no folder Sources/\($0.name)") }
    let unlisted = folders.filter { module(named: $0) == nil }
      .map { violation(0, "Sources/\($0) has no row") }
    return missing + unlisted
  }

  /// Tests/XTests belongs to the module X; StyleTests alone belongs to none.
  func testFolderViolations(folders: [String]) -> [Violation] {
    folders.filter { folder in
      folder != "StyleTests"
        && !(folder.hasSuffix("Tests") && module(named: String(folder.dropLast(5))) != nil)
    }
    .map { violation(0, "Tests/\($0) mirrors no module") }
  }

  private func violation(_ line: Int, _ message: String) -> Violation {
    Violation(path: Self.path, line: line, message: message)
  }
}
