import TraceFile
import Units

/// The time that both traces of a replay hold: from the first trigger, at zero, to the end of the
/// last instruction of a data path.
///
/// Records are cut at both ends, so that a trace is exactly as long as what replay calls the total.
struct ReplayWindow {
  /// The end, in picoseconds after the first trigger.
  let end: Int64

  /// Ends at `total`, or, of a program without data paths, with the last of these records.
  init(total: Int64, _ tracks: [[TraceEvent]]) {
    end = total > 0 ? total : max(0, tracks.joined().map(\.end.value).max() ?? 0)
  }

  /// What the window holds of a track, in order of start.
  func cut(_ events: [TraceEvent]) -> [TraceEvent] {
    events.compactMap { cut($0) }
      .sorted { ($0.start.value, $0.programCounter) < ($1.start.value, $1.programCounter) }
  }

  /// A record that was over before the window stands at its beginning without a length, because
  /// what it did to a semaphore counts; one that begins after it is kept for its wait alone.
  private func cut(_ event: TraceEvent) -> TraceEvent? {
    let start = min(max(0, event.start.value), end)
    let stop = min(max(0, event.end.value), end)
    let wait = start - min(max(0, event.start.value - event.wait.value), start)
    if event.start.value >= end, wait == 0 { return nil }
    var cut = event
    (cut.start, cut.duration, cut.wait) = (.init(start), .init(stop - start), .init(wait))
    if wait == 0 { cut.stallCauseCode = StallCause.none.rawValue }
    return cut
  }
}
