package import Foundation

/// Results as text: one JSON document with sorted keys, the same bytes for the same result.
package enum ResultDocument {
  /// The document that `run --format json` prints.
  package struct Runs: Codable, Hashable, Sendable {
    /// The version of the layout.
    package var schema = RunResult.schema
    /// In the order they were run.
    package var runs: [RunResult]

    package init(runs: [RunResult]) { self.runs = runs }
  }

  /// Pretty-printed JSON with sorted keys and a final line feed. Throws `notFinite`.
  package static func encode(_ value: some Encodable) throws(ResultsError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return try encoder.encode(value) + Data("\n".utf8)
    } catch EncodingError.invalidValue(_, let context) {
      throw .notFinite(field: fieldName(context.codingPath))
    } catch {
      throw .notFinite(field: "\(error)")
    }
  }

  /// One result of a file's bytes. `path` is only for messages.
  package static func decodeRun(_ data: Data, path: String) throws(ResultsError) -> RunResult {
    try decode(RunResult.self, data, path: path)
  }

  /// The results of a file that holds one RUN or a `{"schema", "runs"}` document.
  package static func decodeRuns(_ data: Data, path: String) throws(ResultsError) -> [RunResult] {
    let isList = (try? JSONDecoder().decode(ListProbe.self, from: data))?.isList ?? false
    if isList { return try decode(Runs.self, data, path: path).runs }
    return [try decodeRun(data, path: path)]
  }

  /// Tells the two documents apart without reading their runs.
  private struct ListProbe: Decodable {
    var isList: Bool

    private enum CodingKeys: CodingKey { case runs }

    init(from decoder: any Decoder) throws {
      isList = try decoder.container(keyedBy: CodingKeys.self).contains(.runs)
    }
  }

  /// Any decodable document, its damage located.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, _ data: Data, path: String
  ) throws(ResultsError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch {
      throw located(error, data: data, path: path)
    }
  }

  private static func located(_ error: any Error, data: Data, path: String) -> ResultsError {
    if let fault = JSONFault.find(in: [UInt8](data)) {
      return .damaged(path: path, byte: fault.byte, reason: fault.reason)
    }
    switch error {
    case let mismatch as SchemaMismatch:
      return .unsupportedSchema(path: path, found: mismatch.found)
    case DecodingError.keyNotFound(let key, let context):
      let field = fieldName(context.codingPath + [key])
      return .invalidField(path: path, field: field, reason: "is missing")
    case DecodingError.typeMismatch(let type, let context):
      let reason = "expected \(type): \(context.debugDescription)"
      return .invalidField(path: path, field: fieldName(context.codingPath), reason: reason)
    case DecodingError.valueNotFound(_, let context):
      return .invalidField(path: path, field: fieldName(context.codingPath), reason: "is null")
    case DecodingError.dataCorrupted(let context):
      let field = fieldName(context.codingPath)
      return .invalidField(path: path, field: field, reason: context.debugDescription)
    default:
      return .inputOutput(path: path, reason: "\(error)")
    }
  }

  private static func fieldName(_ path: [any CodingKey]) -> String {
    path.map(\.stringValue).joined(separator: ".")
  }
}
