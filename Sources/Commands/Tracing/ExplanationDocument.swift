import Foundation
import TraceAnalysis
import TraceFile

/// The JSON of `trace explain`; keys are the property names in snake case.
struct ExplanationDocument: Encodable {
  /// One link of the chain: the sentence for people, and what it says field by field.
  struct Link: Encodable {
    let startPs: Int64
    let endPs: Int64
    let engine: String
    let instruction: String
    let count: Int
    let because: String
    /// `Cause.Kind`.
    let kind: String
    /// The semaphore that was waited for, where one was.
    let semaphore: UInt16?
    /// The ring of descriptors of a transfer.
    let queue: UInt8?
    /// Who held it back; absent at the beginning.
    let producerEngine: String?
    /// The producer's place among the records of its engine that were looked at.
    let producerIndex: Int?
    let waitPs: Int64
    let handOffPs: Int64
    let slackPs: Int64
    let kernel: String
    let layer: String
    /// The operators of the model that its kernel carries out, with a plus between them.
    let operators: String
    /// The model's name of the first of them.
    let node: String
    let source: String
    let sourceFile: String
    /// Absent when unknown.
    let sourceLine: UInt32?
  }

  let schema = 1
  let engine: String
  let atPs: Int64
  /// `Explanation.State`.
  let state: String
  /// The stretch of time that the moment lies in: of the record, or of the gap.
  let fromPs: Int64
  let toPs: Int64
  /// How long the engine stood still; absent when it did not, or did no more.
  let gapPs: Int64?
  /// The sentence for people.
  let headline: String
  let links: [Link]
  /// Whether the chain goes on before the last link.
  let isCut: Bool
  /// What is missing from the file; not empty means exit code 65.
  let damage: [SummaryDocument.Damage]

  /// The document of an explanation.
  init(_ table: ExplanationTable, damage: [TraceDamage]) {
    let explanation = table.explanation
    engine = table.track.name
    atPs = table.time
    state = explanation.state.rawValue
    (fromPs, toPs) = (explanation.from, explanation.to)
    let isGap = explanation.state == .waiting || explanation.state == .idle
    gapPs = isGap ? explanation.to - explanation.from : nil
    headline = table.headline
    links = explanation.links.map { Self.link($0, table) }
    isCut = table.isCut
    self.damage = damage.map(SummaryDocument.Damage.init)
  }

  private static func link(_ link: Explanation.Link, _ table: ExplanationTable) -> Link {
    let row = table.window.row(link.reference)
    let line = row?.sourceLine ?? 0
    let invocation = table.window.invocation(link.reference)
    return Link(
      startPs: link.from, endPs: link.to, engine: table.engine(link.reference),
      instruction: row?.opcode ?? "unknown", count: link.count, because: table.because(link),
      kind: link.cause.kind.rawValue, semaphore: link.cause.semaphore, queue: row?.ring,
      producerEngine: link.cause.source.map(table.engine),
      producerIndex: link.cause.source.map { Int($0.index) }, waitPs: link.wait,
      handOffPs: link.handOff, slackPs: link.slack, kernel: row?.kernel ?? "",
      layer: table.window.layer(link.reference), operators: invocation?.operators ?? "",
      node: invocation?.node ?? "", source: row?.source ?? "", sourceFile: row?.sourceFile ?? "",
      sourceLine: line == 0 ? nil : line)
  }

  /// The JSON text; equal documents give equal bytes.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
