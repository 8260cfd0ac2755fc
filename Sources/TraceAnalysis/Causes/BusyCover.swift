import TraceFile
import Units

/// Which record of an engine each busy picosecond belongs to, where records overlap: to the first
/// that covers it, as in the engine's totals.
struct BusyCover: Sendable {
  /// A part of a stretch of time: the record that covers it, or nil where none does.
  struct Part: Equatable {
    var index: Int?
    var time: Int64
  }

  private let events: [[TraceEvent]]
  /// By engine and record: up to where the records before it cover the timeline.
  private let before: [[Int64]]
  /// Records that are looked at for one stretch; more of them overlap in forged files alone.
  private static let limit = 4_096

  init(_ window: EventWindow) {
    events = Array(window.events.prefix(TrackID.engineCount))
    before = events.map { list in
      var covered = Int64.min
      return list.map { event in
        defer { covered = max(covered, event.end.value) }
        return covered
      }
    }
  }

  /// Splits `from..<to` of an engine among the record of that index and those before it.
  func split(engine: Int, index: Int, from: Int64, to: Int64) -> [Part] {
    var parts: [Part] = []
    var end = to
    var uncovered: Int64 = 0
    var place = index
    while end > from, place >= 0, index - place < Self.limit {
      let event = events[engine][place]
      let start = max(from, event.start.value, before[engine][place])
      let stop = min(end, event.end.value)
      if start < stop {
        uncovered += end - stop
        parts.append(Part(index: place, time: stop - start))
        end = start
      }
      if before[engine][place] <= from { break }
      place -= 1
    }
    uncovered += max(0, end - from)
    if uncovered > 0 { parts.append(Part(index: nil, time: uncovered)) }
    return parts
  }
}
