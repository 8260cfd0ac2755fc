import Foundation
import NumericFormats
import Yams

/// One mapping of a YAML file, read key by key; every key that is asked for is known, and `finish`
/// refuses the others.
struct YAMLSection {
  let file: String
  /// What the mapping is, in messages.
  let name: String
  /// The largest length or count of anything: a product of two is a whole number still, and tensors
  /// of more axes are refused by their number of elements.
  private static let largest = 1 << 31
  private let node: Node
  private let mapping: Node.Mapping
  private var known: [String] = []

  /// The mapping of a whole file. Throws `unreadable`, `syntax` and `badValue`.
  init(contentsOf path: String, name: String) throws(WorkloadError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable(path: path, reason: "no such file, or no permission")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .unreadable(path: path, reason: "it is not UTF-8 text")
    }
    try self.init(text: text, file: path, name: name)
  }

  /// The mapping that a text holds. Throws `syntax` and `badValue`.
  init(text: String, file: String, name: String) throws(WorkloadError) {
    var root: Node?
    do { root = try Yams.compose(yaml: text) } catch {
      throw Self.syntaxError(error, file: file)
    }
    try self.init(root ?? Node(""), file: file, name: name)
  }

  init(_ node: Node, file: String, name: String) throws(WorkloadError) {
    guard case .mapping(let mapping) = node else {
      throw .badValue(
        Self.location(of: node, file), key: name, expected: "a mapping of keys to values",
        found: Self.describe(node), nearest: nil)
    }
    self.file = file
    self.name = name
    self.node = node
    self.mapping = mapping
  }

  private static func syntaxError(_ error: any Error, file: String) -> WorkloadError {
    func place(_ mark: Mark) -> SourceLocation {
      SourceLocation(file: file, line: mark.line, column: mark.column)
    }
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return .syntax(place(mark), reason: problem)
    case .duplicatedKeysInMapping(let keys, let context):
      return .syntax(
        place(context.mark),
        reason: "key given twice: \(keys.map { "\($0)" }.sorted().joined(separator: ", "))")
    default:
      return .syntax(SourceLocation(file: file, line: 1, column: 1), reason: "\(error)")
    }
  }

  private static func location(of node: Node, _ file: String) -> SourceLocation {
    SourceLocation(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }

  /// The place where the mapping begins.
  var location: SourceLocation { Self.location(of: node, file) }

  /// The place of a key's value, or of the mapping.
  func location(of key: String) -> SourceLocation {
    mapping[key].map { Self.location(of: $0, file) } ?? location
  }

  static func describe(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string)'"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  /// An error about a key's value.
  func badValue(_ key: String, expected: String, nearest: String? = nil) -> WorkloadError {
    .badValue(
      location(of: key), key: key, expected: expected,
      found: mapping[key].map(Self.describe) ?? "nothing", nearest: nearest)
  }

  /// True when the key is there.
  mutating func has(_ key: String) -> Bool {
    if !known.contains(key) { known.append(key) }
    return mapping[key] != nil
  }

  private mutating func value(_ key: String) throws(WorkloadError) -> Node {
    guard has(key), let value = mapping[key] else {
      for (given, _) in mapping {
        if let text = given.string, !known.contains(text),
          NearestName.find(text, in: [key]) != nil
        {
          throw .unknownKey(
            Self.location(of: given, file), key: text, nearest: key, known: known)
        }
      }
      throw .missingKey(location, key: key, section: name)
    }
    return value
  }

  /// Refuses keys that nobody asked for. Throws `unknownKey`.
  func finish() throws(WorkloadError) {
    for (key, _) in mapping {
      let text = key.string ?? Self.describe(key)
      guard known.contains(text) else {
        throw .unknownKey(
          Self.location(of: key, file), key: text, nearest: NearestName.find(text, in: known),
          known: known)
      }
    }
  }

  // MARK: Values

  mutating func text(_ key: String) throws(WorkloadError) -> String {
    guard let text = try value(key).scalar?.string, !text.isEmpty else {
      throw badValue(key, expected: "text")
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// A whole number of at least `minimum`.
  mutating func integer(
    _ key: String, atLeast minimum: Int = 1, atMost maximum: Int = largest
  ) throws(WorkloadError) -> Int {
    try integer(value(key), key, atLeast: minimum, atMost: maximum)
  }

  private func integer(
    _ node: Node, _ key: String, atLeast minimum: Int, atMost maximum: Int = largest
  ) throws(WorkloadError) -> Int {
    guard let number = node.int, number >= minimum, number <= maximum else {
      throw .badValue(
        Self.location(of: node, file), key: key,
        expected: "a whole number, at least \(minimum)"
          + ((node.int ?? 0) > maximum ? " and at most \(maximum)" : ""),
        found: Self.describe(node), nearest: nil)
    }
    return number
  }

  /// One whole number or a list of them.
  mutating func integers(_ key: String, atLeast minimum: Int = 1) throws(WorkloadError) -> [Int] {
    let value = try value(key)
    guard case .sequence(let items) = value else {
      return [try integer(value, key, atLeast: minimum)]
    }
    var result: [Int] = []
    for item in items { result.append(try integer(item, key, atLeast: minimum)) }
    guard !result.isEmpty else { throw badValue(key, expected: "at least one number") }
    return result
  }

  /// A number above `minimum`, and not above `maximum`.
  mutating func number(_ key: String, above minimum: Double, upTo maximum: Double = .infinity)
    throws(WorkloadError) -> Double
  {
    guard let number = try value(key).float, number > minimum, number <= maximum else {
      let limit = maximum.isFinite ? " and at most \(maximum)" : ""
      throw badValue(key, expected: "a number above \(minimum)" + limit)
    }
    return number
  }

  mutating func truth(_ key: String) throws(WorkloadError) -> Bool {
    guard let truth = try value(key).bool else { throw badValue(key, expected: "true or false") }
    return truth
  }

  /// One of the cases of an enumeration, by its raw value.
  mutating func choice<Choice: CaseIterable & RawRepresentable>(_ key: String, of: Choice.Type)
    throws(WorkloadError) -> Choice where Choice.RawValue == String
  {
    let text = try text(key)
    guard let choice = Choice(rawValue: text) else {
      throw notOne(of: Choice.allCases.map(\.rawValue), text, key)
    }
    return choice
  }

  /// A number format by its name.
  mutating func format(_ key: String) throws(WorkloadError) -> NumberFormat {
    try format(named: text(key), key)
  }

  /// A list of number formats.
  mutating func formats(_ key: String) throws(WorkloadError) -> [NumberFormat] {
    var result: [NumberFormat] = []
    for text in try texts(key) { result.append(try format(named: text, key)) }
    return result
  }

  func format(named text: String, _ key: String) throws(WorkloadError) -> NumberFormat {
    guard let format = NumberFormat(name: text) else {
      throw notOne(of: NumberFormat.allCases.map(\.name), text, key)
    }
    return format
  }

  /// The error for a word that is none of a list.
  func notOne(of names: [String], _ text: String, _ key: String) -> WorkloadError {
    badValue(
      key, expected: "one of " + names.joined(separator: ", "),
      nearest: NearestName.find(text, in: names))
  }

  /// A list of texts.
  mutating func texts(_ key: String) throws(WorkloadError) -> [String] {
    try located(key).map(\.text)
  }

  /// A list of texts, each with its place.
  mutating func located(_ key: String) throws(WorkloadError) -> [LocatedText] {
    var result: [LocatedText] = []
    for item in try list(key) {
      guard let text = item.scalar?.string, !text.isEmpty else {
        throw .badValue(
          Self.location(of: item, file), key: key, expected: "text",
          found: Self.describe(item), nearest: nil)
      }
      result.append(LocatedText(text: text, location: Self.location(of: item, file)))
    }
    return result
  }

  private mutating func list(_ key: String) throws(WorkloadError) -> Node.Sequence {
    guard case .sequence(let items) = try value(key) else {
      throw badValue(key, expected: "a list")
    }
    return items
  }

  /// A mapping within this one.
  mutating func section(_ key: String) throws(WorkloadError) -> YAMLSection {
    try YAMLSection(value(key), file: file, name: key)
  }

  /// Every key and value as text, whatever the keys are. Throws `badValue` for anything else.
  func texts() throws(WorkloadError) -> [String: String] {
    var result: [String: String] = [:]
    for (key, value) in mapping {
      guard let key = key.scalar?.string, let text = value.scalar?.string else {
        throw .badValue(
          Self.location(of: value, file), key: name, expected: "keys with single values",
          found: Self.describe(value), nearest: nil)
      }
      result[key] = text
    }
    return result
  }

  /// A list of mappings; each element is called `name` in messages.
  mutating func sections(_ key: String, each name: String) throws(WorkloadError) -> [YAMLSection] {
    var result: [YAMLSection] = []
    for item in try list(key) { result.append(try YAMLSection(item, file: file, name: name)) }
    return result
  }
}

/// A text and its place.
struct LocatedText {
  let text: String
  let location: SourceLocation
}
