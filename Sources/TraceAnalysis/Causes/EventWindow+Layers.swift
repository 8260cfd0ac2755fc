package import TraceFile
import Units

extension EventWindow {
  /// The kernel's invocation that a record belongs to; a transfer belongs to that of its trigger.
  package func invocation(_ event: TraceEvent, on track: TrackID) -> TraceInvocation? {
    let engine = track.isDMA ? program[event.programCounter]?.engine ?? track : track
    return invocations.invocation(
      of: event.programCounter, on: engine, at: event.start.value)
  }

  /// The layer of the model that a record belongs to; empty where none is known.
  package func layer(_ event: TraceEvent, on track: TrackID) -> String {
    invocation(event, on: track)?.layer ?? program[event.programCounter]?.layer ?? ""
  }
}
