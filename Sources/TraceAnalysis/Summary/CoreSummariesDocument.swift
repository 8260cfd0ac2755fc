package import Foundation
import TraceFile
import Units

/// The JSON of `trace summary` of a folder; keys are the property names in snake case.
package struct CoreSummariesDocument: Codable, Equatable, Sendable {
  /// One core.
  package struct Core: Codable, Equatable, Sendable {
    /// Its name.
    package var core: String
    /// What a summary of its trace alone says.
    package var summary: SummaryDocument
  }

  /// How long an engine of all cores is busy.
  package struct Engine: Codable, Equatable, Sendable {
    /// The engine's name, or `dma`.
    package var engine: String
    /// In percent of all cores' time until the last is done.
    package var activePercent: Double
  }

  /// All cores together.
  package struct Total: Codable, Equatable, Sendable {
    /// Until the last core is done.
    package var durationUs: Double
    /// The mean of the cores' own durations.
    package var meanDurationUs: Double
    /// The core that is done last.
    package var lastCore: String?
    /// The five engines and all DMA engines.
    package var engines: [Engine]
    /// Instructions on all cores; absent where samples alone tell of them.
    package var instructions: Int64?
    /// Bytes that transfers of all cores moved.
    package var bytes: Int64?
    /// The vendor profiler's metrics of all cores by their names, as fractions of 1.
    package var metrics: [String: Double]
    /// The first groups of the asked grouping, added up over the cores.
    package var top: [SummaryDocument.Group]
    /// How many groups there are, those beyond `top` among them.
    package var groupCount: Int
    /// Where cores met and waited for each other.
    package var meetings: [CoreSummaries.Meeting]
    /// The engine whose work is dealt most unevenly; absent where none is.
    package var imbalance: CoreSummaries.Imbalance?
  }

  /// The version of this document.
  package var schema = 1
  /// In order of the cores.
  package var cores: [Core]
  /// See `Total`.
  package var total: Total

  private static let totalMetrics = [
    "mfu_estimated_percent", "hfu_estimated_percent", "mbu_estimated_percent",
  ]

  /// The document of some summaries; lists of groups have at most `limit` of `grouping`.
  package init(_ summaries: CoreSummaries, by grouping: SummaryGrouping, limit: Int = 20) {
    cores = summaries.cores.map {
      Core(core: $0.core, summary: SummaryDocument($0.summary, by: grouping, limit: limit))
    }
    var engines = TrackID.engines.enumerated().map { index, track in
      Engine(
        engine: track.name, activePercent: summaries.busyPercent { [$0.engines[index]] })
    }
    engines.append(Engine(engine: "dma", activePercent: summaries.busyPercent(\.dmaEngines)))
    let metrics = Self.totalMetrics.compactMap { name in
      summaries.utilization(name).map { (name, $0) }
    }
    let groups = summaries.groups(by: grouping)
    total = Total(
      durationUs: Double(summaries.duration) / 1e6, meanDurationUs: summaries.meanDuration / 1e6,
      lastCore: summaries.last, engines: engines,
      instructions: summaries.sum { $0.engines.sum(\.records) },
      bytes: summaries.sum { $0.dmaEngines.sum(\.bytes) },
      metrics: Dictionary(uniqueKeysWithValues: metrics),
      top: groups.prefix(limit).map { SummaryDocument.Group($0, by: grouping) },
      groupCount: groups.count, meetings: summaries.meetings, imbalance: summaries.imbalance)
  }

  /// The JSON text; equal documents give equal bytes.
  package func json() throws -> Data { try SummaryDocument.encoder.encode(self) }
}
