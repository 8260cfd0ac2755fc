package import Foundation
package import TraceFile
import Units

/// The JSON of `trace summary`; keys are the property names in snake case.
package struct SummaryDocument: Codable, Equatable, Sendable {
  /// One engine's shares of the range; active, stalls, idle and missing add up to 100.
  package struct Engine: Codable, Equatable, Sendable {
    /// The engine's name.
    package var engine: String
    /// Busy time in percent of the range.
    package var activePercent: Double
    /// Percent of the range, by the names of `StallCause`.
    package var stallPercent: [String: Double]
    /// The rest of the range.
    package var idlePercent: Double
    /// Percent of the range of which records are missing; absent when they are not.
    package var missingPercent: Double?
    /// Instructions that began in the range; absent where samples alone tell of it.
    package var instructions: Int64?
  }

  /// One DMA engine.
  package struct DMAEngine: Codable, Equatable, Sendable {
    /// `dma0` to `dma15`.
    package var engine: String
    /// Busy time in percent of the range.
    package var activePercent: Double
    /// Transfers that began in the range; absent where samples alone tell of it.
    package var transfers: Int64?
    /// Bytes that those transfers moved; absent like `transfers`.
    package var bytes: Int64?
  }

  /// All DMA engines.
  package struct DMA: Codable, Equatable, Sendable {
    /// The mean over all DMA engines.
    package var activePercent: Double
    /// Transfers of all engines; absent where samples alone tell of it.
    package var transfers: Int64?
    /// Bytes of all engines; absent like `transfers`.
    package var bytes: Int64?
    /// Those that moved anything.
    package var engines: [DMAEngine]
  }

  /// `SummaryGroup` in the units of the document.
  package struct Group: Codable, Equatable, Sendable {
    /// What the name is of: `kernel`, `opcode`, …
    package var by: String
    /// The group's name.
    package var name: String
    /// Busy microseconds on engines.
    package var busyUs: Double
    /// Stalled microseconds on engines.
    package var stallUs: Double
    /// Busy microseconds on DMA engines, added up over them.
    package var dmaUs: Double
    /// Executions on engines; absent, as what follows, where samples alone tell of the group.
    package var instructions: Int64?
    /// Transfers on DMA engines.
    package var transfers: Int64?
    /// Bytes that the transfers moved.
    package var bytes: Int64?
    /// Floating-point operations.
    package var flops: Int64?
    /// Microseconds on the critical path; absent where it was not followed.
    package var pathUs: Double?
    /// The shortest time at the device's peaks; absent where they are not known.
    package var boundUs: Double?
    /// Microseconds on the critical path beyond the bound.
    package var lostUs: Double?
  }

  /// A part of the critical path.
  package struct PathPart: Codable, Equatable, Sendable {
    /// An engine's name, or `dma`.
    package var engine: String
    /// `busy`, or why nothing on the path worked.
    package var cause: String
    /// Picoseconds; all parts add up to the range.
    package var timePs: Int64
  }

  /// What estimates rest on.
  package struct Sampling: Codable, Equatable, Sendable {
    /// Picoseconds from one sample of an engine to the next.
    package var intervalPs: Int64
    /// Samples of each engine in the range.
    package var samples: Int64
    /// Percentage points by which an estimated share may be off, with a confidence of 95 %.
    package var halfWidthPercent: Double
  }

  /// One `TraceDamage`.
  package struct Damage: Codable, Equatable, Sendable {
    /// `TraceDamage.Kind`.
    package var kind: String
    /// The sentence for people.
    package var message: String
    /// The track that lost something, when known.
    package var track: String?
    /// How many records, when known.
    package var records: Int64?
    /// The first microsecond that may be missing, when known.
    package var fromUs: Double?
    /// The last microsecond that may be missing, when known.
    package var toUs: Double?

    /// What a reader found.
    package init(_ damage: TraceDamage) {
      kind = damage.kind.rawValue
      message = damage.description
      track = damage.track?.name
      records = damage.records
      fromUs = damage.from.map { Double($0) / 1e6 }
      toUs = damage.to.map { Double($0) / 1e6 }
    }
  }

  /// The version of this document.
  package var schema = 1
  /// The length of the range in microseconds.
  package var durationUs: Double
  /// The range's beginning in microseconds.
  package var fromUs: Double
  /// The range's end in microseconds.
  package var toUs: Double
  /// `RunState`.
  package var state: String
  /// `TraceSummary.Basis`.
  package var basis: String
  /// How far estimates may be off; absent where every record was counted.
  package var sampling: Sampling?
  /// The five engines.
  package var engines: [Engine]
  /// The DMA engines.
  package var dma: DMA
  /// All kernels, the one with most time first.
  package var kernels: [Group]
  /// The first groups of the asked grouping.
  package var top: [Group]
  /// How many groups there are, those beyond `top` among them.
  package var groupCount: Int
  /// The vendor profiler's metrics by their names; times in seconds, `percent` as fractions of 1.
  package var metrics: [String: Double]
  /// What the profile that the trace was made of states, beside the same worked out from its rows;
  /// absent for other traces.
  package var profile: [StatedNumber]?
  /// The critical path; absent where it was not followed.
  package var criticalPath: [PathPart]?
  /// What would make the run shorter, the largest gain first.
  package var advice: [Advice]
  /// What the summary leaves out, and what to do about it.
  package var notes: [String]
  /// What is missing from the file; not empty means exit code 65.
  package var damage: [Damage]

  /// The document of a summary; `top` has at most `limit` groups of `grouping`.
  package init(_ summary: TraceSummary, by grouping: SummaryGrouping = .opcode, limit: Int = 20) {
    durationUs = summary.duration.microseconds
    fromUs = summary.from.microseconds
    toUs = summary.to.microseconds
    state = summary.state.rawValue
    basis = summary.basis.rawValue
    sampling = summary.sampling.map {
      Sampling(
        intervalPs: $0.interval, samples: $0.count, halfWidthPercent: $0.halfWidthPercent)
    }
    engines = summary.engines.map(Self.engine)
    dma = Self.dma(summary.dmaEngines)
    kernels = Self.groups(summary, .kernel)
    let groups = Self.groups(summary, grouping)
    top = Array(groups.prefix(limit))
    groupCount = groups.count
    metrics = Dictionary(
      uniqueKeysWithValues: summary.vendorMetrics.map { ($0.name, $0.value) })
    profile = summary.stated.isEmpty ? nil : summary.stated
    criticalPath = summary.path?.byEngineAndCause.map {
      PathPart(engine: $0.engine, cause: $0.cause, timePs: $0.time)
    }
    advice = summary.advice
    notes = summary.notes
    damage = summary.damage.map(Damage.init)
  }

  private static func engine(_ share: TrackShare) -> Engine {
    let stalls = StallCause.allCases.map { cause in
      (cause.key, share.percent(share.stall[Int(cause.rawValue)]))
    }
    return Engine(
      engine: share.track.name, activePercent: share.percent(share.busy),
      stallPercent: Dictionary(uniqueKeysWithValues: stalls),
      idlePercent: share.percent(share.idle),
      missingPercent: share.missing > 0 ? share.percent(share.missing) : nil,
      instructions: share.records)
  }

  private static func dma(_ shares: [TrackShare]) -> DMA {
    DMA(
      activePercent: shares.reduce(0) { $0 + $1.percent($1.busy) } / Double(max(1, shares.count)),
      transfers: shares.sum(\.records), bytes: shares.sum(\.bytes),
      engines: shares.filter(\.isUsed).map { share in
        DMAEngine(
          engine: share.track.name, activePercent: share.percent(share.busy),
          transfers: share.records, bytes: share.bytes)
      })
  }

  private static func groups(_ summary: TraceSummary, _ grouping: SummaryGrouping) -> [Group] {
    summary.groups(by: grouping).map { Group($0, by: grouping) }
  }

  /// The JSON text; equal documents give equal bytes.
  package func json() throws -> Data { try Self.encoder.encode(self) }

  /// Keys in snake case and in order.
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return encoder
  }
}

extension SummaryDocument.Group {
  /// A group in the units of the document.
  init(_ group: SummaryGroup, by grouping: SummaryGrouping) {
    self.init(
      by: grouping.rawValue, name: group.name, busyUs: Double(group.busy) / 1e6,
      stallUs: Double(group.stall) / 1e6, dmaUs: Double(group.dmaBusy) / 1e6,
      instructions: group.instructions, transfers: group.transfers, bytes: group.bytes,
      flops: group.flops, pathUs: group.pathTime.map { Double($0) / 1e6 },
      boundUs: group.bound.map { Double($0) / 1e6 },
      lostUs: group.lost.map { Double($0) / 1e6 })
  }
}
