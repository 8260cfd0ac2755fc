package import TraceFile
import Units

/// Why an engine did not work at a moment: the chain of causes back from it.
package struct Explanation: Sendable {
  /// What the engine did at the moment.
  package enum State: String, Sendable {
    /// A record was under way.
    case busy
    /// The next record waited.
    case waiting
    /// Nothing worked and nothing waited.
    case idle
    /// The engine had done its last record.
    case finished
  }

  /// One link of the chain: a record, or several of one engine one after the other.
  package struct Link: Sendable {
    /// The record; of several the last one.
    package var reference: EventReference
    /// Records in the link.
    package var count: Int
    /// When the link's first record began.
    package var from: Int64
    /// When its last record ended.
    package var to: Int64
    /// Why the link's first record did not start earlier.
    package var cause: Cause
    /// How long its first record waited, and the time since the cause's own end.
    package var wait: Int64
    /// From the end of who caused it to its start.
    package var handOff: Int64
    /// How much later its last record could have ended without making the run longer.
    package var slack: Int64
  }

  /// What the engine did.
  package let state: State
  /// The stretch of time that the moment lies in: of the record, or of the gap.
  package let from: Int64
  /// See `from`.
  package let to: Int64
  /// From the record that ended the gap back to what began it all; empty when finished.
  package private(set) var links: [Link] = []

  /// Explains a moment of a track.
  ///
  /// - Parameters:
  ///   - limit: links at most.
  ///   - lastEnd: when the track's records before the moment have ended, where the window does not
  ///     hold them.
  package init(
    _ graph: CauseGraph, track: TrackID, at time: Int64, limit: Int = 24, lastEnd: Int64? = nil
  ) {
    let window = graph.window
    let events = window.events[Int(track.rawValue)]
    let place = window.lastStarting(atOrBefore: time, track: Int(track.rawValue))
    // A long record may reach over later ones that have ended.
    let ends = place.map { events[...$0].suffix(256).map(\.end.value).max() ?? window.from }
    if let place, let ends, ends > time {
      let running = events[...place].lastIndex { $0.end.value > time } ?? place
      (state, from, to) = (.busy, events[running].start.value, events[running].end.value)
      follow(EventReference(track: Int(track.rawValue), index: running), graph, limit)
      return
    }
    from = ends ?? lastEnd ?? window.from
    let next = (place ?? -1) + 1
    guard next < events.count else {
      (state, to) = (.finished, window.to)
      return
    }
    to = events[next].start.value
    state = events[next].wait.value > 0 && to - events[next].wait.value <= time ? .waiting : .idle
    follow(EventReference(track: Int(track.rawValue), index: next), graph, limit)
  }

  /// Collects links until the beginning; runs of one engine's records become one link.
  private mutating func follow(_ start: EventReference, _ graph: CauseGraph, _ limit: Int) {
    let slack = Slack(graph)
    var reference = start
    while links.count < limit {
      var first = reference
      var cause = graph.cause(of: first)
      var count = 1
      while cause.kind == .issue, let source = cause.source {
        first = source
        cause = graph.cause(of: first)
        count += 1
      }
      let event = graph.window[first]
      let source = cause.source
      let handOff = source.map { max(0, event.start.value - graph.window[$0].end.value) } ?? 0
      links.append(
        Link(
          reference: reference, count: count, from: event.start.value,
          to: graph.window[reference].end.value, cause: cause, wait: event.wait.value,
          handOff: handOff, slack: slack[reference]))
      // Records before the window's range are there for what they tell of semaphores.
      guard let source, event.start.value > graph.window.from else { return }
      reference = source
    }
  }
}
