package import TraceFile
import Units

/// A trace in the form of another tool.
package enum ExportFormat: String, CaseIterable, Sendable {
  case perfetto, chrome, speedscope, pprof, csv
}

/// What the exports share: the records, and how rows are named.
package struct TraceExport: Sendable {
  /// Receives the bytes of a file, part by part.
  package typealias Sink = ([UInt8]) throws -> Void

  /// The records and who waited for whom.
  package let graph: CauseGraph
  /// What the recorder said about the run.
  package let metadata: TraceMetadata
  /// The operands of a program counter as text; empty when unknown.
  package let operands: @Sendable (UInt32) -> String

  var window: EventWindow { graph.window }

  /// An export of a window; `operands` gives an instruction's text by its row.
  package init(
    _ window: EventWindow, metadata: TraceMetadata,
    operands: @escaping @Sendable (UInt32) -> String = { _ in "" }
  ) {
    graph = CauseGraph(window)
    self.metadata = metadata
    self.operands = operands
  }

  /// Writes the records in that form.
  package func write(_ format: ExportFormat, to sink: Sink) throws {
    switch format {
    case .perfetto: try writePerfetto(to: sink)
    case .chrome: try writeChrome(to: sink)
    case .speedscope: try writeSpeedscope(to: sink)
    case .pprof: try writeProfile(to: sink)
    case .csv: try writeInstructions(to: sink)
    }
  }

  /// The workload and the device, or what is known of them.
  var title: String {
    let names = [TraceMetadata.Key.workload, TraceMetadata.Key.device]
    let known = names.compactMap { metadata.entries[$0] }
    let title = known.isEmpty ? "trace" : known.joined(separator: " on ")
    return metadata.entries[TraceMetadata.Key.core].map { "\(title), core \($0)" } ?? title
  }

  /// The name of a track's records.
  func name(_ event: TraceEvent) -> String {
    window.program[event.programCounter]?.opcode ?? "unknown"
  }
}

/// Numbers and texts as JSON, in a form that does not depend on the host.
enum ExportText {
  /// Picoseconds as nanoseconds, exactly: `12.345`, `12`.
  static func nanoseconds(_ picoseconds: Int64) -> String { thousandths(picoseconds, 1_000) }

  /// Picoseconds as microseconds, exactly.
  static func microseconds(_ picoseconds: Int64) -> String {
    thousandths(picoseconds, 1_000_000)
  }

  private static func thousandths(_ value: Int64, _ unit: Int64) -> String {
    let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: UInt64(unit))
    let sign = value < 0 ? "-" : ""
    guard rest > 0 else { return "\(sign)\(whole)" }
    var digits = String(UInt64(unit) + rest).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(sign)\(whole).\(digits)"
  }

  /// A JSON string.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// A field of a CSV file.
  static func field(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
