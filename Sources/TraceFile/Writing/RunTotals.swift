/// What the model itself counted, given at close. The tracks stand for records only where none were
/// recorded.
package struct RunTotals: Sendable {
  /// The end of the run in picoseconds; time 0 is its beginning.
  package var end: Int64
  /// Totals of the tracks that were counted; empty when only the end is known.
  package var tracks: [TrackTotals]
  /// Picoseconds of full-rate work that the tensor engine streamed at half rate; nil when nobody
  /// counted.
  package var throttled: Int64?
  /// Which kernel ran when; empty when nobody looked.
  package var invocations: [TraceInvocation] = []
  /// How often each row of the program ran; nil when nobody counted. Counts where no events were
  /// recorded.
  package var rowCounts: RowCounts?

  package init(end: Int64, tracks: [TrackTotals] = [], throttled: Int64? = nil) {
    self.end = end
    self.tracks = tracks
    self.throttled = throttled
  }
}

/// How often each row of a program ran, by program counter.
package struct RowCounts: Sendable {
  /// Executions on an engine.
  package var executions: [Int64]
  /// Records that they left on DMA tracks, all of them together.
  package var transfers: [Int64]

  /// Counts of equally many rows.
  package init(executions: [Int64], transfers: [Int64]) {
    precondition(executions.count == transfers.count, "a row has a place in both")
    self.executions = executions
    self.transfers = transfers
  }
}

extension RunSummary {
  /// What was recorded, completed by what the model counted where no events were recorded.
  static func combine(
    state: RunState, recorded: [TrackTotals], given: RunTotals?, lastSample: Int64
  ) -> RunSummary {
    var tracks = recorded
    let hasEvents = recorded.contains { $0.events > 0 }
    if let given, !hasEvents {
      for counted in given.tracks where Int(counted.track) < tracks.count {
        var merged = counted
        merged.samples = tracks[Int(counted.track)].samples
        tracks[Int(counted.track)] = merged
      }
    }
    let hasSamples = recorded.contains { $0.samples > 0 }
    let isExact = hasEvents || !(given?.tracks.isEmpty ?? true) || !hasSamples
    let lastEnd = tracks.map(\.end).max() ?? 0
    var summary = RunSummary(
      state: state, end: max(given?.end ?? 0, lastEnd, lastSample), tracks: tracks,
      isExact: isExact, hasEvents: hasEvents)
    summary.throttled = given?.throttled
    return summary
  }
}
