import TraceFile
import Units

/// How much later each record could have ended without making the run longer, all others being
/// as quick as they were. Of a part of the run, without moving what is busy at its end.
///
/// Worked out backwards over who followed whom: on an engine a record may slip by the wait of the
/// next one; towards a waiter by the time for which its semaphore had been met already.
package struct Slack: Sendable {
  /// By track and place in the window.
  private var values: [[Int64]]

  /// The slack of every event of these causes.
  package init(_ graph: CauseGraph) {
    let window = graph.window
    let end = graph.last.map { min(window.to, window[$0].end.value) } ?? window.to
    values = window.events.map { $0.map { max(0, end - $0.end.value) } }
    let latencies = HandOffs(graph)
    for reference in Self.lastFirst(window) where window.isInside(window[reference]) {
      relax(reference, graph, latencies)
    }
  }

  /// The slack of a record, in picoseconds.
  package subscript(_ reference: EventReference) -> Int64 {
    values[Int(reference.track)][Int(reference.index)]
  }

  /// Every record, the one that starts last first.
  private static func lastFirst(_ window: EventWindow) -> [EventReference] {
    var all: [EventReference] = []
    all.reserveCapacity(window.count)
    for track in window.events.indices {
      all += window.events[track].indices.map { EventReference(track: track, index: $0) }
    }
    return all.sorted { (window[$0].start.value, $0) > (window[$1].start.value, $1) }
  }

  /// Hands a record's slack on to those that came before it.
  private mutating func relax(
    _ reference: EventReference, _ graph: CauseGraph, _ latencies: HandOffs
  ) {
    let event = graph.window[reference]
    let own = self[reference]
    if reference.index > 0, Int(reference.track) < TrackID.engineCount {
      let previous = EventReference(track: Int(reference.track), index: Int(reference.index) - 1)
      lower(previous, to: own + event.wait.value)
    }
    if Int(reference.track) >= TrackID.engineCount {
      let cause = graph.cause(of: reference)
      guard let source = cause.source, cause.kind != .unknown else { return }
      lower(source, to: own + (cause.kind == .ring ? 0 : event.wait.value))
      return
    }
    guard let source = graph.release(reference) else { return }
    let distance = event.start.value - graph.window[source].end.value
    let latency = latencies.shortest(from: source, to: reference)
    lower(source, to: own + (event.wait.value > 0 ? 0 : max(0, distance - latency)))
  }

  private mutating func lower(_ reference: EventReference, to limit: Int64) {
    let (track, index) = (Int(reference.track), Int(reference.index))
    values[track][index] = min(values[track][index], limit)
  }
}

/// The shortest time seen from an update to the start of who waited for it, by the two engines.
private struct HandOffs {
  private var times: [Int64] = Array(
    repeating: .max, count: (TrackID.engineCount + 1) * TrackID.engineCount)

  init(_ graph: CauseGraph) {
    for track in 0..<TrackID.engineCount {
      for (index, event) in graph.window.events[track].enumerated() where event.wait.value > 0 {
        let reference = EventReference(track: track, index: index)
        guard let source = graph.release(reference) else { continue }
        let place = Self.place(source, reference)
        times[place] = min(times[place], event.start.value - graph.window[source].end.value)
      }
    }
  }

  private static func place(_ source: EventReference, _ waiter: EventReference) -> Int {
    min(Int(source.track), TrackID.engineCount) * TrackID.engineCount + Int(waiter.track)
  }

  /// The shortest; 0 where none was seen.
  func shortest(from source: EventReference, to waiter: EventReference) -> Int64 {
    let time = times[Self.place(source, waiter)]
    return time == .max ? 0 : time
  }
}
