package import Foundation
import Yams

/// One published number of other hardware, as a file in `Workloads/references/` states it.
package struct ReferenceRow: Hashable, Sendable {
  /// The name to cite the row by.
  package var id: String
  /// The hardware, such as `H100-SXM`.
  package var device: String
  /// The kind of work: `gemm`, `attention-forward`, …
  package var operation: String
  /// Sizes and switches by name, values as they are written.
  package var shape: [String: String]
  /// The number formats for which the number was published.
  package var precisions: [String]
  /// What the number measures, such as `throughput`.
  package var metric: String
  /// The published number.
  package var value: Double
  /// The unit of `value`.
  package var unit: String
  /// Operations or bytes of one invocation, as the source counts them.
  package var work: Double
  /// The library or kernel that was measured.
  package var software: String
  /// Where the number stands.
  package var source: String
  /// Conditions and caveats of the source.
  package var notes: String
  /// A, B or C: an official result, measured by its authors, stated.
  package var trust: String
}

/// One file of published numbers.
package struct ReferenceFile: Hashable, Sendable {
  /// The name after `reference:`.
  package var name: String
  /// The hardware of every row.
  package var device: String
  /// The circumstances of measurements of our own, such as clocks and versions, as they are
  /// written; empty for numbers that others published.
  package var measured: [String: String]
  /// In the order of the file.
  package var rows: [ReferenceRow]

  /// True when `scripts/gpu-reference` measured the numbers.
  package var isMeasured: Bool { !measured.isEmpty }
}

/// A mistake in a reference file: where it is, what was expected, what was found.
package struct ReferenceCatalogError: Error, Hashable, CustomStringConvertible {
  /// The file.
  package var path: String
  /// From 1; nil where the whole file is meant.
  package var line: Int?
  /// From 1; nil where the whole file is meant.
  package var column: Int?
  /// What was expected and what was found.
  package var message: String
  /// True when the file could not be read at all.
  package var isUnreadable = false

  /// `path:line:column: message`.
  package var description: String {
    let place = [path, line.map { "\($0)" }, column.map { "\($0)" }].compactMap { $0 }
    return place.joined(separator: ":") + ": " + message
  }
}

/// Reads the published numbers.
package enum ReferenceCatalog {
  /// The layout of the files that this version reads.
  package static let schema = 1

  /// The names of all files in a folder, sorted; none when the folder does not exist.
  package static func names(in folder: URL) -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// One file of a folder by its name.
  package static func load(
    _ name: String, in folder: URL
  ) throws(ReferenceCatalogError) -> ReferenceFile {
    let url = folder.appendingPathComponent(name + ".yaml")
    let text: String
    do {
      text = try String(contentsOf: url, encoding: .utf8)
    } catch {
      throw ReferenceCatalogError(
        path: url.path, message: "cannot be read: \(error.localizedDescription)",
        isUnreadable: true)
    }
    return try parse(text, path: url.path)
  }

  /// The content of a file. `path` is only for messages.
  package static func parse(
    _ text: String, path: String
  ) throws(ReferenceCatalogError) -> ReferenceFile {
    let reader = ReferenceReader(path: path)
    let root = try reader.compose(text)
    let fields = try reader.mapping(
      root, "the file", keys: ["schema", "name", "device", "measured", "tiny", "numbers"])
    let schemaText = try reader.text(fields, "schema", of: root)
    guard schemaText == "\(schema)" else {
      throw reader.error(root, "schema \(schemaText), this version reads schema \(schema)")
    }
    if let tiny = fields["tiny"] {
      throw reader.error(tiny, "a trial at shrunk shapes is no reference; measure without --tiny")
    }
    let device = try reader.text(fields, "device", of: root)
    var measured: [String: String] = [:]
    if let node = fields["measured"] { measured = try reader.texts(node, "'measured'") }
    let numbers = try reader.field(fields, "numbers", of: root)
    guard case .sequence(let items) = numbers else {
      throw reader.error(numbers, "'numbers' has to be a list")
    }
    var rows: [ReferenceRow] = []
    var seen: Set<String> = []
    for item in items {
      let row = try reader.row(item, device: device)
      guard seen.insert(row.id).inserted else {
        throw reader.error(item, "the id '\(row.id)' stands twice in this file")
      }
      rows.append(row)
    }
    return ReferenceFile(
      name: try reader.text(fields, "name", of: root), device: device, measured: measured,
      rows: rows)
  }
}

/// Reads YAML nodes and keeps their places for messages.
private struct ReferenceReader {
  let path: String

  private static let rowKeys = [
    "id", "operation", "shape", "precision", "metric", "value", "unit", "work", "software",
    "source", "notes", "trust",
  ]

  func compose(_ text: String) throws(ReferenceCatalogError) -> Node {
    let found: Node?
    do {
      found = try Yams.compose(yaml: text)
    } catch {
      throw located(error)
    }
    guard let found else { throw ReferenceCatalogError(path: path, message: "the file is empty") }
    return found
  }

  private func located(_ error: any Error) -> ReferenceCatalogError {
    switch error {
    case YamlError.scanner(_, let problem, let mark, _),
      YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      ReferenceCatalogError(
        path: path, line: mark.line, column: mark.column, message: "not YAML: \(problem)")
    default: ReferenceCatalogError(path: path, message: "not YAML: \(error)")
    }
  }

  func error(_ node: Node, _ message: String) -> ReferenceCatalogError {
    ReferenceCatalogError(
      path: path, line: node.mark?.line, column: node.mark?.column, message: message)
  }

  /// The fields of a mapping; a key that is not in `keys` is a mistake; any key is good when
  /// `keys` is nil.
  func mapping(
    _ node: Node, _ what: String, keys: [String]?
  ) throws(ReferenceCatalogError) -> [String: Node] {
    guard case .mapping(let pairs) = node else { throw error(node, "\(what) has to be a mapping") }
    var fields: [String: Node] = [:]
    for (key, value) in pairs {
      guard let name = key.scalar?.string else { throw error(key, "a key has to be a text") }
      if let keys, !keys.contains(name) {
        throw error(key, "unknown key '\(name)'; expected one of \(keys.joined(separator: ", "))")
      }
      fields[name] = value
    }
    return fields
  }

  func field(
    _ fields: [String: Node], _ name: String, of node: Node
  ) throws(ReferenceCatalogError) -> Node {
    guard let found = fields[name] else { throw error(node, "'\(name)' is missing") }
    return found
  }

  func text(
    _ fields: [String: Node], _ name: String, of node: Node
  ) throws(ReferenceCatalogError) -> String {
    try text(try field(fields, name, of: node), name)
  }

  /// The fields of a mapping of any keys to single values.
  func texts(_ node: Node, _ what: String) throws(ReferenceCatalogError) -> [String: String] {
    var result: [String: String] = [:]
    for (name, value) in try mapping(node, what, keys: nil) {
      result[name] = try text(value, name)
    }
    return result
  }

  func text(_ node: Node, _ name: String) throws(ReferenceCatalogError) -> String {
    guard let scalar = node.scalar else { throw error(node, "'\(name)' has to be a single value") }
    return scalar.string
  }

  func positive(
    _ fields: [String: Node], _ name: String, of node: Node
  ) throws(ReferenceCatalogError) -> Double {
    let text = try text(fields, name, of: node)
    guard let value = Double(text), value.isFinite, value > 0 else {
      let place = try field(fields, name, of: node)
      throw error(place, "'\(name)' has to be a number above 0, found '\(text)'")
    }
    return value
  }

  func row(_ node: Node, device: String) throws(ReferenceCatalogError) -> ReferenceRow {
    let fields = try mapping(node, "a number", keys: Self.rowKeys)
    let shape = try texts(try field(fields, "shape", of: node), "'shape'")
    let precisionNode = try field(fields, "precision", of: node)
    var precisions: [String] = []
    if case .sequence(let items) = precisionNode {
      for item in items { precisions.append(try text(item, "precision")) }
    } else {
      precisions = [try text(precisionNode, "precision")]
    }
    return ReferenceRow(
      id: try text(fields, "id", of: node), device: device,
      operation: try text(fields, "operation", of: node), shape: shape, precisions: precisions,
      metric: try text(fields, "metric", of: node),
      value: try positive(fields, "value", of: node), unit: try text(fields, "unit", of: node),
      work: try positive(fields, "work", of: node),
      software: try text(fields, "software", of: node),
      source: try text(fields, "source", of: node), notes: try text(fields, "notes", of: node),
      trust: try text(fields, "trust", of: node))
  }
}
