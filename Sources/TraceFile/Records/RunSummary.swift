/// How the recording ended.
package enum RunState: String, Codable, Sendable {
  /// The run reached its end.
  case complete
  /// The run was stopped and closed its trace.
  case interrupted
  /// No footer: the run was killed or the file was cut.
  case killed
}

/// Exact totals of one track; all times in picoseconds.
package struct TrackTotals: Codable, Equatable, Sendable {
  /// The track's number.
  package var track: UInt8
  /// Records on the track.
  package var events: Int64
  /// Samples on the track.
  package var samples: Int64
  /// The union of all busy intervals.
  package var busy: Int64
  /// Stalled time by `StallCause`, disjoint from `busy` and from each other.
  package var stall: [Int64]
  /// Bytes that its records moved (DMA tracks).
  package var bytes: Int64
  /// The earliest and the latest time that a record touches, wait included; both 0 without records.
  package var start: Int64
  /// See `start`.
  package var end: Int64

  /// Totals of a track on which nothing has happened yet.
  package init(track: TrackID) {
    self.track = track.rawValue
    (events, samples, busy, bytes, start, end) = (0, 0, 0, 0, 0, 0)
    stall = Array(repeating: 0, count: StallCause.count)
  }

  /// Adds what a block of events says of itself.
  mutating func add(_ block: BlockSummary, count: Int64, start: Int64, end: Int64) {
    self.start = events == 0 ? start : min(self.start, start)
    self.end = events == 0 ? end : max(self.end, end)
    events += count
    busy = busy &+ block.busy
    for index in stall.indices { stall[index] = stall[index] &+ block.stall[index] }
    bytes = bytes &+ block.bytes
  }
}

/// The whole-run summary, written at close: one row per track, in order of track.
package struct RunSummary: Codable, Equatable, Sendable {
  /// How the recording ended.
  package var state: RunState
  /// The end of the run in picoseconds; time 0 is its beginning.
  package var end: Int64
  /// One per track.
  package var tracks: [TrackTotals]
  /// Whether `tracks` are exact; false where they rest on samples alone.
  package var isExact: Bool
  /// Whether the trace holds events; without them `tracks` may still count them.
  package var hasEvents: Bool
  /// The picosecond from which on all records are kept; nil when all are.
  package var recordedFrom: Int64?
  /// Records that a ring has overwritten; nil when it is none.
  package var droppedRecords: Int64?
  /// Picoseconds of full-rate work that the tensor engine streamed at half rate, which is what its
  /// activity limiter cost; nil when the recorder did not say.
  package var throttled: Int64?

  package init(
    state: RunState, end: Int64, tracks: [TrackTotals], isExact: Bool, hasEvents: Bool
  ) {
    self.state = state
    self.end = end
    self.tracks = tracks
    self.isExact = isExact
    self.hasEvents = hasEvents
  }
}
