package import Foundation
import TraceFile
import Units

/// The JSON of `trace diff`; keys are the property names in snake case.
package struct DifferenceDocument: Codable, Equatable, Sendable {
  /// One of the two runs.
  package struct Run: Codable, Equatable, Sendable {
    /// The workload, where the trace names one.
    package var workload: String?
    /// The device, where the trace names one.
    package var device: String?
    /// The length of what is compared.
    package var durationPs: Int64
    /// `TraceSummary.Basis`.
    package var basis: String
  }

  /// `TraceDifference.Part`.
  package struct Part: Codable, Equatable, Sendable {
    /// An engine's name, or `dma`.
    package var engine: String
    /// `busy`, `idle`, or a cause.
    package var cause: String
    /// The kernel.
    package var kernel: String
    /// Picoseconds in the base.
    package var basePs: Int64
    /// Picoseconds in the new run.
    package var newPs: Int64
    /// The difference.
    package var changePs: Int64
  }

  /// `InstructionDifference.Group`.
  package struct Instructions: Codable, Equatable, Sendable {
    /// `added`, `removed` or `moved`.
    package var change: String
    /// The engine.
    package var engine: String
    /// The machine instruction.
    package var opcode: String
    /// The kernel that emitted them.
    package var kernel: String
    /// `file:line`.
    package var source: String
    /// Rows of the program.
    package var rows: Int
    /// Executions; absent where the run was sampled.
    package var executions: Int64?
    /// Busy and stalled time.
    package var timePs: Int64
  }

  /// The version of this document.
  package var schema = 1
  /// The run that is compared with.
  package var base: Run
  /// The run that is compared.
  package var new: Run
  /// The new duration minus the base's; what `path`, and each engine of `engines`, add up to.
  package var changePs: Int64
  /// The critical paths; null when one of the runs cannot be followed.
  package var path: [Part]?
  /// Each engine's own time.
  package var engines: [Part]
  /// Rows that both programs have, in the same order.
  package var sameRows: Int
  /// Rows that changed.
  package var instructions: [Instructions]
  /// Changes up to this may come from samples alone; absent where both runs hold events.
  package var uncertaintyPs: Int64?
  /// What the reader must know of how exact the parts are.
  package var notes: [String]
  /// What is missing from either file; not empty means exit code 65.
  package var damage: [String]

  /// The document of a difference.
  package init(_ difference: TraceDifference) {
    base = Self.run(difference.base)
    new = Self.run(difference.new)
    changePs = difference.change
    path = difference.path?.map(Self.part)
    engines = difference.engines.map(Self.part)
    sameRows = difference.instructions.sameRows
    instructions = difference.instructions.groups.map {
      Instructions(
        change: $0.change.rawValue, engine: $0.engine, opcode: $0.opcode, kernel: $0.kernel,
        source: $0.source, rows: $0.rows, executions: $0.executions, timePs: $0.time)
    }
    uncertaintyPs = difference.uncertainty > 0 ? difference.uncertainty : nil
    notes = difference.notes
    damage = difference.damage.map(\.description)
  }

  private static func run(_ summary: TraceSummary) -> Run {
    Run(
      workload: summary.metadata.entries[TraceMetadata.Key.workload],
      device: summary.metadata.entries[TraceMetadata.Key.device],
      durationPs: summary.duration.value, basis: summary.basis.rawValue)
  }

  static func part(_ part: TraceDifference.Part) -> Part {
    Part(
      engine: part.engine, cause: part.cause, kernel: part.kernel, basePs: part.base,
      newPs: part.new, changePs: part.change)
  }

  /// Writes documents of differences.
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return encoder
  }

  /// The JSON text; equal documents give equal bytes.
  package func json() throws -> Data { try Self.encoder.encode(self) }
}
