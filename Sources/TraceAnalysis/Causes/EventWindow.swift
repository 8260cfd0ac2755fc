package import TraceFile
import Units

/// One record of a window: its track and its place among the track's records there.
package struct EventReference: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The track's number.
  package var track: UInt8
  /// The place in `EventWindow.events` of the track.
  package var index: Int32

  /// The event of that index on a track.
  package init(track: Int, index: Int) {
    self.track = UInt8(track)
    self.index = Int32(index)
  }

  package static func < (a: EventReference, b: EventReference) -> Bool {
    (a.track, a.index) < (b.track, b.index)
  }
}

/// What the rows of a program say of order, without their texts.
struct RowFacts: Sendable {
  var wait = ProgramWait.none
  var update = ProgramUpdate.none
  var engine: UInt8 = 0
  var isTransfer = false
}

/// The records of all tracks that touch a range of time, held in memory.
package struct EventWindow: Sendable {
  /// Records that a window holds at most: 32 bytes each.
  package static let recordLimit = 2_000_000

  /// The range.
  package let from: Int64
  /// See `from`.
  package let to: Int64
  /// By track, in order of start.
  package private(set) var events: [[TraceEvent]]
  /// What program counters name.
  package let program: ProgramTable
  /// Which kernel ran when; empty where the trace does not say.
  package let invocations: InvocationTable
  /// Whether the window holds what was recorded before the range, from the beginning of the run.
  package let isFromBeginning: Bool
  /// What could not be read.
  package private(set) var damage: [TraceDamage] = []
  private let facts: [RowFacts]

  /// Reads the records that touch a range, or all; nil when there are more than `limit`.
  ///
  /// - Parameter knowsBefore: keeps the records before the range too, where there are not too many
  ///   in all: they tell the semaphores' values, which a window from the middle does not know.
  package static func load(
    _ reader: borrowing TraceReader, from: Int64? = nil, to: Int64? = nil,
    limit: Int = recordLimit, knowsBefore: Bool = false
  ) throws(TraceError) -> EventWindow? {
    guard reader.recordCount(from: from, to: to) <= limit else { return nil }
    let isLong = !knowsBefore || reader.recordCount(to: to) > limit
    return try EventWindow(reader, from: from, to: to, first: isLong ? from : nil)
  }

  /// `first` is from where on records are read; nil for the beginning.
  private init(
    _ reader: borrowing TraceReader, from: Int64?, to: Int64?, first: Int64?
  ) throws(TraceError) {
    let recorded = TraceSummary.recorded(reader)
    self.from = from ?? recorded.from
    self.to = to ?? recorded.to
    isFromBeginning = first == nil && !recorded.isPart
    program = reader.program
    invocations = reader.invocations
    facts = Self.facts(program)
    let (low, high) = (first ?? min(self.from, recorded.from), self.to)
    var found = Array(repeating: [TraceEvent](), count: TrackID.count)
    damage = try reader.readEvents(from: .init(low), to: .init(high + 1)) { track, batch in
      for event in batch
      where event.end.value >= low && event.start.value &- event.wait.value <= high {
        found[Int(track.rawValue)].append(event)
      }
    }
    events = found.map(Self.inOrder)
  }

  /// The records of batches that touch a range, which begins after the records do.
  ///
  /// - Parameter isNear: looks only at records that start about then, for who needs few of many.
  init(
    _ batches: [TrackBatch], from: Int64, to: Int64, program: ProgramTable,
    invocations: InvocationTable, facts: [RowFacts], isNear: Bool
  ) {
    (self.from, self.to) = (from, to)
    isFromBeginning = false
    (self.program, self.facts, self.invocations) = (program, facts, invocations)
    var found = Array(repeating: [TraceEvent](), count: TrackID.count)
    for part in batches {
      let track = Int(part.track.rawValue)
      let places = isNear ? Self.places(of: part.batch, from, to) : part.batch.indices
      for event in part.batch[places]
      where event.end.value >= from && event.start.value &- event.wait.value <= to {
        found[track].append(event)
      }
    }
    events = found.map(Self.inOrder)
  }

  /// Where the records of a batch are that start in a range, and some on both sides: they are about
  /// in order of start, and what started before may last.
  private static func places(of batch: EventBatch, _ from: Int64, _ to: Int64) -> Range<Int> {
    func first(after time: Int64) -> Int {
      var (low, high) = (0, batch.count)
      while low < high {
        let middle = (low + high) / 2
        if batch[middle].start.value <= time { low = middle + 1 } else { high = middle }
      }
      return low
    }
    let slack = 64
    let low = max(0, first(after: from) - slack)
    return low..<max(low, min(batch.count, first(after: to) + slack))
  }

  /// What the rows of a program say of order.
  static func facts(_ program: ProgramTable) -> [RowFacts] {
    (0..<program.count).map { RowFacts(program[UInt32($0)]) }
  }

  /// Records in order of start; those that start together keep the order of the file.
  private static func inOrder(_ events: [TraceEvent]) -> [TraceEvent] {
    let isSorted = zip(events, events.dropFirst()).allSatisfy { $0.start <= $1.start }
    guard !isSorted else { return events }
    return events.enumerated().sorted {
      ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
    }.map(\.element)
  }

  /// Records in all.
  package var count: Int { events.reduce(0) { $0 + $1.count } }

  /// The record of a reference.
  package subscript(_ reference: EventReference) -> TraceEvent {
    events[Int(reference.track)][Int(reference.index)]
  }

  /// Whether the record itself, and not its wait alone, lies in the range.
  func isInside(_ event: TraceEvent) -> Bool {
    event.start.value < to || event.end.value <= to
  }

  /// What the record's row says of order.
  func facts(_ event: TraceEvent) -> RowFacts {
    Int(event.programCounter) < facts.count ? facts[Int(event.programCounter)] : RowFacts()
  }

  /// The record's row; nil when the trace has none.
  package func row(_ reference: EventReference) -> ProgramRow? {
    program[self[reference].programCounter]
  }

  /// The place of the last record of a track that starts at `time` or before; nil when none does.
  package func lastStarting(atOrBefore time: Int64, track: Int) -> Int? {
    let list = events[track]
    var (low, high) = (0, list.count)
    while low < high {
      let middle = (low + high) / 2
      if list[middle].start.value <= time { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }
}

extension RowFacts {
  fileprivate init(_ row: ProgramRow?) {
    guard let row else { return }
    (wait, update, engine) = (row.wait, row.update, row.engine.rawValue)
    isTransfer = row.ring != nil
  }
}
