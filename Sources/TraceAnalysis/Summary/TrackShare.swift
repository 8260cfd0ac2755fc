package import TraceFile

/// How one track spent a range of time, in exact picoseconds: busy, stalled, missing and idle
/// make the whole.
package struct TrackShare: Equatable, Sendable {
  /// The track.
  package var track: TrackID
  /// The range's length, or the time that samples stand for.
  package var whole: Int64
  /// Working.
  package var busy: Int64 = 0
  /// Standing still, by `StallCause`.
  package var stall = [Int64](repeating: 0, count: StallCause.count)
  /// Time of which records are missing and no other record tells.
  package var missing: Int64 = 0
  /// Instructions or transfers that began in the range; nil where nobody counted them.
  package var records: Int64?
  /// Bytes moved by transfers that began in the range; nil where nobody counted them.
  package var bytes: Int64?

  package init(track: TrackID, whole: Int64) {
    self.track = track
    self.whole = whole
  }

  /// Standing still for any cause.
  package var stalled: Int64 { stall.reduce(0, &+) }
  /// Neither working nor waiting for anything that the trace names.
  package var idle: Int64 { whole - busy - stalled - missing }

  /// Whether anything is known to have happened on it.
  package var isUsed: Bool { busy > 0 || records ?? 0 > 0 }

  /// `part` of the whole in percent; 0 of an empty whole.
  package func percent(_ part: Int64) -> Double {
    whole > 0 ? 100 * Double(part) / Double(whole) : 0
  }
}

extension [TrackShare] {
  /// What all tracks count together; nil where one of them does not know.
  package func sum(_ count: (TrackShare) -> Int64?) -> Int64? {
    var total: Int64 = 0
    for share in self {
      guard let own = count(share) else { return nil }
      total &+= own
    }
    return total
  }
}
