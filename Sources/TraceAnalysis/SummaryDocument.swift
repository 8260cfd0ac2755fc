package import Foundation
import TraceFile
import Units

/// The JSON of `trace summary`; keys are the property names in snake case.
package struct SummaryDocument: Codable, Equatable, Sendable {
  package struct Engine: Codable, Equatable, Sendable {
    package var engine: String
    package var activePercent: Double
    /// By the names of `StallCause`.
    package var stallPercent: [String: Double]
    package var idlePercent: Double
    package var instructions: Int64
  }

  package struct DMAEngine: Codable, Equatable, Sendable {
    package var engine: String
    package var activePercent: Double
    package var transfers: Int64
    package var bytes: Int64
  }

  package struct DMA: Codable, Equatable, Sendable {
    /// The mean over all DMA engines.
    package var activePercent: Double
    package var transfers: Int64
    package var bytes: Int64
    /// Those that moved anything.
    package var engines: [DMAEngine]
  }

  package struct Group: Codable, Equatable, Sendable {
    /// What the name is of: `kernel`, `opcode`, …
    package var by: String
    package var name: String
    package var busyUs: Double
    package var stallUs: Double
    package var dmaUs: Double
    package var instructions: Int64
    package var transfers: Int64
    package var bytes: Int64
    package var flops: Int64
  }

  package struct Damage: Codable, Equatable, Sendable {
    package var kind: String
    package var message: String
    package var track: String?
    package var records: Int64?
    package var fromUs: Double?
    package var toUs: Double?
  }

  package var schema = 1
  package var durationUs: Double
  package var fromUs: Double
  package var toUs: Double
  package var state: String
  package var basis: String
  package var engines: [Engine]
  package var dma: DMA
  package var kernels: [Group]
  package var top: [Group]
  package var damage: [Damage]

  /// The document of a summary; `top` has at most `limit` groups of `grouping`.
  package init(_ summary: TraceSummary, by grouping: SummaryGrouping = .opcode, limit: Int = 20) {
    durationUs = summary.duration.microseconds
    fromUs = summary.from.microseconds
    toUs = summary.to.microseconds
    state = summary.state.rawValue
    basis = summary.basis.rawValue
    engines = summary.engines.map(Self.engine)
    dma = Self.dma(summary.dmaEngines)
    kernels = Self.groups(summary, .kernel)
    top = Array(Self.groups(summary, grouping).prefix(limit))
    damage = summary.damage.map(Self.damage)
  }

  private static func engine(_ share: TrackShare) -> Engine {
    let stalls = StallCause.allCases.map { cause in
      (cause.key, share.percent(share.stall[Int(cause.rawValue)]))
    }
    return Engine(
      engine: share.track.name, activePercent: share.percent(share.busy),
      stallPercent: Dictionary(uniqueKeysWithValues: stalls),
      idlePercent: share.percent(share.idle), instructions: share.records)
  }

  private static func dma(_ shares: [TrackShare]) -> DMA {
    DMA(
      activePercent: shares.reduce(0) { $0 + $1.percent($1.busy) } / Double(max(1, shares.count)),
      transfers: shares.reduce(0) { $0 + $1.records },
      bytes: shares.reduce(0) { $0 + $1.bytes },
      engines: shares.filter { $0.records > 0 || $0.busy > 0 }.map { share in
        DMAEngine(
          engine: share.track.name, activePercent: share.percent(share.busy),
          transfers: share.records, bytes: share.bytes)
      })
  }

  private static func groups(_ summary: TraceSummary, _ grouping: SummaryGrouping) -> [Group] {
    summary.groups(by: grouping).map { group in
      Group(
        by: grouping.rawValue, name: group.name, busyUs: Double(group.busy) / 1e6,
        stallUs: Double(group.stall) / 1e6, dmaUs: Double(group.dmaBusy) / 1e6,
        instructions: group.instructions, transfers: group.transfers, bytes: group.bytes,
        flops: group.flops)
    }
  }

  private static func damage(_ damage: TraceDamage) -> Damage {
    Damage(
      kind: damage.kind.rawValue, message: damage.description, track: damage.track?.name,
      records: damage.records, fromUs: damage.from.map { Double($0) / 1e6 },
      toUs: damage.to.map { Double($0) / 1e6 })
  }

  /// The JSON text; equal documents give equal bytes.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
