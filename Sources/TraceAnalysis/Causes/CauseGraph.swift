import TraceFile
import Units

/// What kept a record from starting earlier.
package struct Cause: Equatable, Sendable {
  /// The sorts of causes; the raw value is what tables and JSON print.
  package enum Kind: String, CaseIterable, Sendable {
    /// Another engine's instruction had not yet updated a semaphore.
    case semaphore
    /// A transfer had not yet updated a semaphore.
    case dma
    /// The engine takes its own instructions in order: what passes from one to the next while none
    /// is at work, or how far the next has to follow in a pipeline.
    case issue
    /// The instruction that asked for the transfer.
    case trigger
    /// The transfer before it on the same DMA engine.
    case ring
    /// It waited, and the trace does not say for whom.
    case unknown
    /// Nothing came before it.
    case beginning
  }

  /// The sort.
  package var kind: Kind
  /// Who held it back; nil at the beginning.
  package var source: EventReference?
  /// The semaphore, where one is waited for.
  package var semaphore: UInt16?

  package init(kind: Kind, source: EventReference? = nil, semaphore: UInt16? = nil) {
    self.kind = kind
    self.source = source
    self.semaphore = semaphore
  }
}

/// Who waited for whom among the records of a window.
package struct CauseGraph: Sendable {
  /// The records.
  package let window: EventWindow
  private let log: SemaphoreLog
  /// The executions of each instruction that asks for a transfer, in order.
  private let triggers: [UInt32: [Int32]]
  /// The same by engine and ring.
  private let ringTriggers: [RingKey: [Int32]]

  private struct RingKey: Hashable {
    var engine: Int
    var ring: UInt8
  }

  /// The causes within a window.
  package init(_ window: EventWindow) {
    self.window = window
    log = SemaphoreLog(window)
    var triggers: [UInt32: [Int32]] = [:]
    var ringTriggers: [RingKey: [Int32]] = [:]
    let hasDescriptors = window.hasDescriptors
    for track in 0..<TrackID.engineCount {
      for (index, event) in window.events[track].enumerated()
      where window.facts(event).isTransfer {
        triggers[event.programCounter, default: []].append(Int32(index))
        guard hasDescriptors, let ring = window.program[event.programCounter]?.ring else {
          continue
        }
        ringTriggers[RingKey(engine: track, ring: ring), default: []].append(Int32(index))
      }
    }
    self.triggers = triggers
    self.ringTriggers = ringTriggers
  }

  /// What kept the record from starting earlier.
  package func cause(of reference: EventReference) -> Cause {
    let event = window[reference]
    if Int(reference.track) >= TrackID.engineCount { return transferCause(reference, event) }
    let wait = window.facts(event).wait
    if event.wait.value > 0, let source = release(reference) {
      let isDMA = Int(source.track) >= TrackID.engineCount
      return Cause(kind: isDMA ? .dma : .semaphore, source: source, semaphore: wait.semaphore)
    }
    guard reference.index > 0 else { return first }
    let previous = EventReference(track: Int(reference.track), index: Int(reference.index) - 1)
    guard event.wait.value > 0 else { return Cause(kind: .issue, source: previous) }
    let semaphore = wait.condition == .none ? nil : wait.semaphore
    return Cause(kind: .unknown, source: previous, semaphore: semaphore)
  }

  /// The cause of a track's first record in the window.
  private var first: Cause { Cause(kind: window.isFromBeginning ? .beginning : .unknown) }

  /// The record whose update met the record's wait, however early; nil when none is known.
  package func release(_ reference: EventReference) -> EventReference? {
    let event = window[reference]
    let source = log.release(window.facts(event).wait, before: event.start.value)
    // Two ends at one instant: nobody is held back by itself or by what starts later.
    guard let source, source != reference, window[source].start <= event.start else { return nil }
    return source
  }

  private func transferCause(_ reference: EventReference, _ event: TraceEvent) -> Cause {
    let arrival = event.start.value - event.wait.value
    if event.wait.value > 0, let previous = transferBefore(reference, event, after: arrival) {
      return Cause(kind: .ring, source: previous)
    }
    if let trigger = trigger(event, before: arrival) {
      return Cause(kind: .trigger, source: trigger)
    }
    if let ring = window.facts(event).descriptorRing {
      return descriptorCause(reference, event, ring)
    }
    guard reference.index > 0 else { return first }
    let previous = EventReference(track: Int(reference.track), index: Int(reference.index) - 1)
    return Cause(kind: .unknown, source: previous)
  }

  /// Descriptors of a ring follow each other on an engine; one before which the engine had nothing
  /// of the ring to do waited for the ring's last trigger.
  private func descriptorCause(
    _ reference: EventReference, _ event: TraceEvent, _ ring: UInt8
  ) -> Cause {
    let track = Int(window.facts(event).engine)
    let runs = ringTriggers[RingKey(engine: track, ring: ring)] ?? []
    let trigger = runs.last { window.events[track][Int($0)].start <= event.start }
    let asked = trigger.map { window.events[track][Int($0)].start.value } ?? .min
    let list = window.events[Int(reference.track)]
    let before = (0..<Int(reference.index)).last { place in
      window.facts(list[place]).descriptorRing == ring
    }
    if let before, list[before].end.value >= asked {
      return Cause(
        kind: .ring, source: EventReference(track: Int(reference.track), index: before))
    }
    guard let trigger else { return first }
    return Cause(kind: .trigger, source: EventReference(track: track, index: Int(trigger)))
  }

  /// The last transfer of the same DMA engine that ended between the arrival and the start.
  private func transferBefore(
    _ reference: EventReference, _ event: TraceEvent, after arrival: Int64
  ) -> EventReference? {
    var best: (end: Int64, index: Int)?
    var index = Int(reference.index) - 1
    // Rings share an engine, so a transfer that started earlier may still be under way.
    var steps = 0
    while index >= 0, steps < 64 {
      let end = window.events[Int(reference.track)][index].end.value
      if end <= event.start.value, end > arrival, end > best?.end ?? .min { best = (end, index) }
      index -= 1
      steps += 1
    }
    return best.map { EventReference(track: Int(reference.track), index: $0.index) }
  }

  /// The execution of the transfer's instruction that asked for it.
  private func trigger(_ event: TraceEvent, before arrival: Int64) -> EventReference? {
    let track = Int(window.facts(event).engine)
    guard track < TrackID.engineCount, let runs = triggers[event.programCounter] else {
      return nil
    }
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      let start = window.events[track][Int(runs[middle])].start.value
      if start <= arrival { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : EventReference(track: track, index: Int(runs[low - 1]))
  }

  /// The record that is busy last before the window ends; of equal ones the first track's.
  ///
  /// A record that the window holds for its wait alone starts when the window is over, and says
  /// nothing of what happened there.
  package var last: EventReference? {
    var best: (end: Int64, reference: EventReference)?
    for track in window.events.indices {
      for (index, event) in window.events[track].enumerated() where window.isInside(event) {
        let end = min(window.to, event.end.value)
        guard end > best?.end ?? .min else { continue }
        best = (end, EventReference(track: track, index: index))
      }
    }
    return best?.reference
  }
}
