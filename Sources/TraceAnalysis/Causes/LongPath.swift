import TraceFile
import Units

/// The critical path of a run of any length, followed from its end back stretch by stretch, so that
/// memory holds the records of two stretches at a time.
///
/// A stretch is looked at together with the one before it, which holds who let its first records
/// go; the semaphores' values at the beginning of that are known from `SemaphoreCheckpoints`. What
/// lies further back, such as an engine's record before a long pause, is looked for by itself.
struct LongPath {
  /// Records of a stretch.
  static let stretchRecords = 200_000

  /// A record that the path goes on from.
  private struct Pending {
    var track: Int
    var event: TraceEvent
    /// Where the step after it takes over.
    var until: Int64
  }

  private let borders: [Int64]
  private let checkpoints: SemaphoreCheckpoints
  private let isPart: Bool
  private let knowsSemaphores: Bool
  private let facts: [RowFacts]

  /// Prepares to follow the path of a range; `isPart` says that the trace lacks records before it.
  init(
    _ reader: borrowing TraceReader, from: Int64, to: Int64, isPart: Bool,
    limit: Int = stretchRecords
  ) throws(TraceError) {
    facts = EventWindow.facts(reader.program)
    borders = RecordStretches(reader, from: from, to: to, limit: limit).borders
    let before = try EventWindow.semaphoresBefore(reader)
    checkpoints = try SemaphoreCheckpoints(
      reader, facts: facts, at: borders.dropLast(), before: before ?? [])
    knowsSemaphores = before != nil
    self.isPart = isPart
  }

  /// What the path's time goes to.
  func totals(_ reader: borrowing TraceReader) throws(TraceError) -> PathTotals {
    var totals = PathTotals()
    var pending: Pending?
    var index = borders.count - 2
    while index >= 0 {
      let graph = CauseGraph(try window(reader, index))
      let window = graph.window
      if pending == nil {
        guard let last = graph.last else { break }
        let event = window[last]
        let until = min(window.to, max(borders[0], event.end.value))
        totals.addEnd(after: last, until, to: window.to)
        pending = Pending(track: Int(last.track), event: event, until: until)
      }
      guard let start = pending else { break }
      // What began before a stretch is followed in the stretch where it began.
      if start.event.start.value <= borders[index], index > 0 {
        index = stretch(of: start.event.start.value, below: index)
        continue
      }
      let cover = BusyCover(window)
      pending = try follow(start, reader, graph, downTo: index == 0 ? .min : borders[index]) {
        totals.add($0, graph.window, cover)
      }
      guard let next = pending else { break }
      index = stretch(of: next.event.start.value, below: index)
    }
    return totals
  }

  /// The stretch in which a time lies, one before `index`.
  private func stretch(of time: Int64, below index: Int) -> Int {
    var found = index - 1
    while found > 0, borders[found] >= time { found -= 1 }
    return found
  }

  /// The records of a stretch and of the one before it.
  private func window(
    _ reader: borrowing TraceReader, _ index: Int
  ) throws(TraceError) -> EventWindow {
    let first = max(0, index - 1)
    return try EventWindow(
      reader, from: borders[first], to: borders[index + 1], facts: facts,
      semaphores: knowsSemaphores ? checkpoints.values[first] : nil, isFirst: first == 0 && !isPart)
  }

  /// Follows causes while they start after `limit`; who is next, or nil at the beginning.
  private func follow(
    _ start: Pending, _ reader: borrowing TraceReader, _ graph: CauseGraph, downTo limit: Int64,
    _ body: (CriticalPath.Step) -> Void
  ) throws(TraceError) -> Pending? {
    let window = graph.window
    let from = borders[0]
    var pending = start
    var steps = 0
    while pending.event.start.value > limit, steps <= window.count {
      guard let reference = window.reference(of: pending.event, on: pending.track) else {
        return nil
      }
      steps += 1
      let start = min(pending.until, max(from, pending.event.start.value))
      let (cause, source) = try cause(of: reference, reader, graph)
      var step = CriticalPath.Step(
        reference: reference, cause: cause, gapFrom: from, from: start, to: pending.until)
      guard let source, start > from else {
        body(step)
        return nil
      }
      step.gapFrom = min(start, max(from, source.event.end.value))
      body(step)
      pending = Pending(track: source.track, event: source.event, until: step.gapFrom)
    }
    return pending.event.start.value > limit ? nil : pending
  }

  /// What kept a record from starting earlier, also where that is not in the window.
  private func cause(
    of reference: EventReference, _ reader: borrowing TraceReader, _ graph: CauseGraph
  ) throws(TraceError) -> (cause: Cause, source: (track: Int, event: TraceEvent)?) {
    let window = graph.window
    let cause = graph.cause(of: reference)
    let track = Int(reference.track)
    let isTransfer = track >= TrackID.engineCount
    let isKnown = cause.kind != .unknown || !isTransfer && cause.source != nil
    if isKnown || window.isFromBeginning {
      return (cause, cause.source.map { (Int($0.track), window[$0]) })
    }
    let event = window[reference]
    if isTransfer {
      let engine = Int(window.facts(event).engine)
      let arrival = event.start.value - event.wait.value
      if engine < TrackID.engineCount,
        let trigger = try Self.last(
          of: engine, reader,
          { $0.start.value <= arrival && $0.programCounter == event.programCounter }
        )
      {
        let source = EventReference(track: engine, index: 0)
        return (Cause(kind: .trigger, source: source), (engine, trigger))
      }
    }
    if let source = cause.source { return (cause, (Int(source.track), window[source])) }
    guard let before = try Self.last(of: track, reader, { $0.start < event.start }) else {
      return (Cause(kind: .beginning), nil)
    }
    let source = EventReference(track: track, index: 0)
    let kind: Cause.Kind = isTransfer || event.wait.value > 0 ? .unknown : .issue
    return (Cause(kind: kind, source: source, semaphore: cause.semaphore), (track, before))
  }

  /// The last record of a track that is accepted, block by block from the end.
  private static func last(
    of track: Int, _ reader: borrowing TraceReader, _ accepts: (TraceEvent) -> Bool
  ) throws(TraceError) -> TraceEvent? {
    let id = TrackID.all[track]
    for place in reader.eventBlocks(of: id, from: .min, to: .max).reversed() {
      for part in try reader.events(ofBlocks: [place])[0] where part.track == id {
        if let found = part.batch.last(where: accepts) { return found }
      }
    }
    return nil
  }
}

extension EventWindow {
  /// Where a record stands among those of its track; nil where the window does not hold it.
  func reference(of event: TraceEvent, on track: Int) -> EventReference? {
    guard var place = lastStarting(atOrBefore: event.start.value, track: track) else { return nil }
    while place >= 0, events[track][place].start == event.start {
      if events[track][place] == event { return EventReference(track: track, index: place) }
      place -= 1
    }
    return nil
  }
}
