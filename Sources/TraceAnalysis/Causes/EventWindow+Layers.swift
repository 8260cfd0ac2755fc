package import TraceFile
import Units

extension EventWindow {
  /// The kernel's invocation that a record belongs to; a transfer belongs to that of its trigger.
  package func invocation(_ event: TraceEvent, on track: TrackID) -> TraceInvocation? {
    invocationIndex(event, on: track).map { invocations.all[$0] }
  }

  /// See `invocation`; the invocation's number.
  func invocationIndex(_ event: TraceEvent, on track: TrackID) -> Int? {
    let engine = track.isDMA ? program[event.programCounter]?.engine ?? track : track
    return invocations.index(of: event.programCounter, on: engine, at: event.start.value)
  }

  /// See `invocation`; of the record of a reference.
  package func invocation(_ reference: EventReference) -> TraceInvocation? {
    TrackID(rawValue: reference.track).flatMap { invocation(self[reference], on: $0) }
  }

  /// The layer of the model that a record belongs to; empty where none is known.
  package func layer(_ event: TraceEvent, on track: TrackID) -> String {
    invocation(event, on: track)?.layer ?? program[event.programCounter]?.layer ?? ""
  }

  /// See `layer`; of the record of a reference.
  package func layer(_ reference: EventReference) -> String {
    TrackID(rawValue: reference.track).map { layer(self[reference], on: $0) } ?? ""
  }
}
