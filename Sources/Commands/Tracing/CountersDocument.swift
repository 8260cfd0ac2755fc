import Foundation
import Hardware
import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// The JSON of `trace counters`; keys are the property names in snake case.
struct CountersDocument: Encodable {
  let schema = 1
  let durationUs: Double
  /// Empty where the trace carries no program or its device is not known. What was not asked for is
  /// absent.
  let memories: [MemoryTraffic]?
  let rings: [RunCounters.Ring]?
  let semaphores: [RunCounters.Semaphore]?
  /// Microseconds of full-rate work that the tensor engine streamed at half rate, in the whole run:
  /// what its activity limiter cost. Absent where the recorder did not say.
  let limiterUs: Double?
  /// What is missing from the file; not empty means exit code 65.
  let damage: [SummaryDocument.Damage]

  /// Counts one kind of things, or all.
  init(
    _ reader: borrowing TraceReader, _ summary: TraceSummary, of kind: TraceCountersCommand.Kind?
  ) throws(TraceError) {
    let counters = RunCounters(summary)
    durationUs = summary.duration.microseconds
    rings = kind == nil || kind == .rings ? counters.rings : nil
    semaphores = kind == nil || kind == .semaphores ? counters.semaphores : nil
    limiterUs = reader.summary.throttled.map { Double($0) / 1e6 }
    let device = summary.metadata.entries[TraceMetadata.Key.device].flatMap {
      try? Device.named($0)
    }
    let isWanted = kind == nil || kind == .memories
    let embedded = isWanted ? try EmbeddedProgram(reader) : nil
    let known = device.flatMap { device in
      embedded.map { MemoryTraffic.memories($0, summary, on: device) }
    }
    memories = isWanted ? known ?? [] : nil
    damage = reader.damage.map(SummaryDocument.Damage.init)
  }

  /// Several cores' counts added up. Rates are over the longest of them, and the high water is the
  /// highest of one core.
  init(sumOf cores: [CountersDocument]) {
    durationUs = cores.map(\.durationUs).max() ?? 0
    let limits = cores.compactMap(\.limiterUs)
    limiterUs = limits.isEmpty ? nil : limits.reduce(0, +)
    let known = cores.compactMap(\.memories)
    memories = known.isEmpty ? nil : MemoryTraffic.sum(known)
    let counters = RunCounters(
      sumOf: cores.map { RunCounters(rings: $0.rings ?? [], semaphores: $0.semaphores ?? []) })
    rings = cores.contains { $0.rings != nil } ? counters.rings : nil
    semaphores = cores.contains { $0.semaphores != nil } ? counters.semaphores : nil
    damage = cores.flatMap(\.damage)
  }

  /// The JSON text of counters, of one core or of several.
  static func json(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }

  /// What no table holds.
  var remark: String {
    limiterUs.map { "activity limiter: \(ReaderNumber.time(seconds: $0 * 1e-6)) lost" } ?? ""
  }
}

/// The JSON of `trace counters` of a folder: each core, and all together.
struct CoreCounters: Encodable {
  /// One core.
  struct Core: Encodable {
    let core: String
    let counters: CountersDocument
  }

  let schema = 1
  let cores: [Core]
  let total: CountersDocument

  init(_ cores: [Core]) {
    self.cores = cores
    total = CountersDocument(sumOf: cores.map(\.counters))
  }
}
