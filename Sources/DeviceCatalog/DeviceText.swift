import Foundation
import Yams

/// The text of a device file, checked before the YAML parser sees it.
///
/// The parser recurses with the nesting of its input and expands aliases; a device file needs
/// neither, so both are bounded here.
struct DeviceText {
  let file: String
  private let text: String

  private static let maximumBytes = 262_144
  private static let maximumColumns = 1_000
  private static let maximumBrackets = 64

  /// The text of a file. Throws `unreadable` and `syntax`.
  init(contentsOf path: String, shownAs file: String) throws(DeviceFileError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable(path: file, reason: "no such file, or no permission")
    }
    guard data.count <= Self.maximumBytes else {
      throw .unreadable(
        path: file, reason: "\(data.count) bytes; a device file has at most \(Self.maximumBytes)")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .unreadable(path: file, reason: "it is not UTF-8 text")
    }
    try self.init(text, file: file)
  }

  /// A text; `file` is its name in messages. Throws `syntax`.
  init(_ text: String, file: String) throws(DeviceFileError) {
    self.text = text
    self.file = file
    guard text.utf8.count <= Self.maximumBytes else {
      throw .unreadable(path: file, reason: "a device file has at most \(Self.maximumBytes) bytes")
    }
    var brackets = 0
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (index, line) in lines.enumerated() {
      try check(line, number: index + 1, &brackets)
    }
  }

  private func check(
    _ line: Substring, number: Int, _ brackets: inout Int
  ) throws(DeviceFileError) {
    func place(_ column: Int) -> DevicePlace {
      DevicePlace(file: file, line: number, column: column)
    }
    guard line.utf8.count <= Self.maximumColumns else {
      throw .syntax(
        place(Self.maximumColumns), reason: "the line is longer than \(Self.maximumColumns) bytes")
    }
    var previous: Character = " "
    for (index, character) in line.enumerated() {
      if character == "#", previous == " " { return }
      if character == "[" || character == "{" { brackets += 1 }
      guard brackets <= Self.maximumBrackets else {
        throw .syntax(place(index + 1), reason: "too many brackets for a device file")
      }
      if character == "&" || character == "*", " :,[{-?".contains(previous) {
        throw .syntax(
          place(index + 1), reason: "anchors and aliases are not read; write the value itself")
      }
      previous = character
    }
  }

  /// The root of the YAML document. Throws `syntax`.
  func root() throws(DeviceFileError) -> Node? {
    do { return try Yams.compose(yaml: text) } catch {
      throw syntaxError(error)
    }
  }

  private func syntaxError(_ error: any Error) -> DeviceFileError {
    func place(_ mark: Mark) -> DevicePlace {
      DevicePlace(file: file, line: mark.line, column: mark.column)
    }
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return .syntax(place(mark), reason: "no YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.map { "\($0)" }.sorted().joined(separator: ", ")
      return .syntax(place(context.mark), reason: "key given twice: \(names)")
    default:
      return .syntax(DevicePlace(file: file, line: 1, column: 1), reason: "no YAML: \(error)")
    }
  }

  /// Where a node stands.
  func place(of node: Node) -> DevicePlace {
    DevicePlace(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }
}
