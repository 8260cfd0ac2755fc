import Foundation

/// A place where a rule is broken, printed as compilers print theirs.
struct Violation: CustomStringConvertible, Equatable {
  let path: String
  /// Counted from zero; printed from one.
  let line: Int
  let message: String

  var description: String { "\(path):\(line + 1): \(message)" }
}

/// One Swift file of the repository.
struct SourceFile {
  /// From the root of the repository, with slashes.
  let path: String
  let text: SourceText

  init(path: String, contents: String) {
    self.path = path
    text = SourceText(contents)
  }

  /// The folder under Sources or Tests.
  var module: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }

  /// True for tables that a program wrote; they say so in their first lines.
  var isGenerated: Bool { text.lines.prefix(5).contains { $0.hasPrefix("// generated") } }

  func violation(line: Int, _ message: String) -> Violation {
    Violation(path: path, line: line, message: message)
  }
}

/// The files that the rules walk, found from the place of this file.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every Swift file under Sources, in the order of their paths.
  static let sources = swiftFiles(under: "Sources")
  /// Every Swift file under Tests, in the order of their paths.
  static let tests = swiftFiles(under: "Tests")

  static func contents(of path: String) -> String {
    (try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)) ?? ""
  }

  /// The names of the folders right under one.
  static func folders(under folder: String) -> [String] {
    let place = root.appendingPathComponent(folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    return names.sorted().filter { name in
      let values = try? place.appendingPathComponent(name).resourceValues(forKeys: [.isDirectoryKey]
      )
      return values?.isDirectory == true
    }
  }

  /// The paths of all files below a folder, or the path itself when it is a file.
  static func paths(under folder: String) -> [String] {
    let place = root.appendingPathComponent(folder).path
    guard let below = FileManager.default.subpaths(atPath: place) else {
      return FileManager.default.fileExists(atPath: place) ? [folder] : []
    }
    return below.sorted().map { "\(folder)/\($0)" }
  }

  private static func swiftFiles(under folder: String) -> [SourceFile] {
    paths(under: folder).filter { $0.hasSuffix(".swift") }.map { path in
      SourceFile(path: path, contents: contents(of: path))
    }
  }
}
