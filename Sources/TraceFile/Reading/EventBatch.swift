public import Units

/// A run of consecutive events of one track in order of the file, with the cursor that stands
/// before them.
///
/// Tracks that share transfers share their records too: an event is made when it is looked at.
public struct EventBatch: RandomAccessCollection, Sendable {
  /// The events as they are without the track's skew.
  @usableFromInline let records: [TraceEvent]
  /// How much later than its record each event starts, in picoseconds.
  @usableFromInline let skew: Int64
  /// What earlier events of the track already cover.
  public let cursor: TimelineCursor

  init(_ records: [TraceEvent], skew: Int64 = 0, cursor: TimelineCursor) {
    self.records = records
    self.skew = skew
    self.cursor = cursor
  }

  /// The place of the first event.
  @inlinable public var startIndex: Int { 0 }
  /// The number of events.
  @inlinable public var endIndex: Int { records.count }

  /// The event at a place, as its track has it.
  @inlinable public subscript(_ index: Int) -> TraceEvent {
    var event = records[index]
    event.start = Picoseconds(event.start.value &+ skew)
    return event
  }
}
