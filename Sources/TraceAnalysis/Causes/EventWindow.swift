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
  /// The ring, where it is that of a row which stands for descriptors and which no engine executes,
  /// as in imported profiles.
  var descriptorRing: UInt8?
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
  /// The semaphores' values before the window's records; nil where nothing tells them. A semaphore
  /// beyond the list has none but 0.
  let semaphores: [UInt32]?
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
    let recorded = TraceSummary.recorded(reader)
    let facts = facts(reader.program)
    let (first, last) = (from ?? recorded.from, to ?? recorded.to)
    let isLong = !knowsBefore || reader.recordCount(to: to) > limit
    guard let from, isLong else {
      return try EventWindow(
        reader, from: first, to: last, facts: facts, low: min(first, recorded.from),
        semaphores: try semaphoresBefore(reader), isFirst: !recorded.isPart)
    }
    // Too many records before the range to hold them: their semaphores' values are enough.
    let values = knowsBefore ? try semaphores(reader, facts, at: from) : nil
    return try EventWindow(
      reader, from: first, to: last, facts: facts, semaphores: values, isFirst: false)
  }

  /// Reads about the last `limit` records before a moment, with the semaphores' values before them.
  package static func load(
    _ reader: borrowing TraceReader, before to: Int64, limit: Int
  ) throws(TraceError) -> EventWindow {
    let recorded = TraceSummary.recorded(reader)
    let borders = RecordStretches(
      reader, from: min(recorded.from, to), to: to, limit: limit
    ).borders
    let from = borders[max(0, borders.count - 2)]
    let facts = facts(reader.program)
    return try EventWindow(
      reader, from: from, to: to, facts: facts, semaphores: semaphores(reader, facts, at: from),
      isFirst: from <= recorded.from && !recorded.isPart)
  }

  /// The semaphores' values before the first record of a trace; nil where they are not known.
  static func semaphoresBefore(
    _ reader: borrowing TraceReader
  ) throws(TraceError) -> [UInt32]? {
    TraceSummary.recorded(reader).isPart ? try reader.semaphoresBefore() : []
  }

  /// The semaphores' values before the records from a moment on; nil where they are not known.
  private static func semaphores(
    _ reader: borrowing TraceReader, _ facts: [RowFacts], at moment: Int64
  ) throws(TraceError) -> [UInt32]? {
    guard let before = try semaphoresBefore(reader) else { return nil }
    return try SemaphoreCheckpoints(reader, facts: facts, at: [moment], before: before).values[0]
  }

  /// Reads the records that touch a range.
  ///
  /// - Parameters:
  ///   - low: from where on records are read, where that is before `from`.
  ///   - semaphores: the values before the first of them; nil where they are not known.
  ///   - isFirst: whether nothing comes before the first of them.
  init(
    _ reader: borrowing TraceReader, from: Int64, to: Int64, facts: [RowFacts], low: Int64? = nil,
    semaphores: [UInt32]?, isFirst: Bool
  ) throws(TraceError) {
    (self.from, self.to) = (from, to)
    isFromBeginning = isFirst
    self.semaphores = semaphores
    program = reader.program
    invocations = reader.invocations
    self.facts = facts
    let (low, high) = (low ?? from, to)
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
    semaphores = nil
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

  /// Whether rows stand for descriptors; see `RowFacts.descriptorRing`.
  var hasDescriptors: Bool { facts.contains { $0.descriptorRing != nil } }

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
    if row.opcode.hasPrefix("DMA ") { descriptorRing = row.ring }
  }
}
