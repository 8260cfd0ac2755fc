import TraceFile
import Units

/// Every change of every semaphore in a window, in order of time, with the value after it.
///
/// The values are worked out from the records alone: an instruction's update counts at its end, and
/// each DMA engine of a transfer adds one at the end of its record.
struct SemaphoreLog: Sendable {
  /// One change.
  struct Update: Sendable {
    var time: Int64
    /// The value after the change; nil while the window does not know it.
    var value: UInt32?
    /// The first change of the rise that this one belongs to: values do not fall from there on.
    var riseStart: Int
    var source: EventReference
  }

  private var updates: [[Update]] = []
  /// The values before all changes; see `EventWindow.semaphores`.
  private let before: [UInt32]?

  private struct Change {
    var time: Int64
    var update: ProgramUpdate
    var source: EventReference
  }

  init(_ window: EventWindow) {
    before = window.semaphores
    var changes: [[Change]] = []
    func add(_ semaphore: Int, _ change: Change) {
      if semaphore >= changes.count {
        changes += Array(repeating: [], count: semaphore + 1 - changes.count)
      }
      changes[semaphore].append(change)
    }
    for track in window.events.indices {
      let isDMA = track >= TrackID.engineCount
      for (index, event) in window.events[track].enumerated() {
        let facts = window.facts(event)
        guard facts.update.operation != .none, facts.isTransfer == isDMA else { continue }
        let source = EventReference(track: track, index: index)
        var update = facts.update
        if isDMA { update = ProgramUpdate(update.semaphore, .add, 1) }
        let width = update.operation == .clear ? Int(update.value) : 1
        for semaphore in Int(update.semaphore)..<Int(update.semaphore) + width {
          add(semaphore, Change(time: event.end.value, update: update, source: source))
        }
      }
    }
    updates = changes.enumerated().map { Self.replay($1, from: value(before: $0)) }
  }

  /// A semaphore's value before all changes; nil where the window does not know.
  private func value(before semaphore: Int) -> UInt32? {
    before.map { semaphore < $0.count ? $0[semaphore] : 0 }
  }

  private static func replay(_ changes: [Change], from first: UInt32?) -> [Update] {
    let ordered = changes.sorted { ($0.time, $0.source) < ($1.time, $1.source) }
    var value = first
    var riseStart = 0
    var result: [Update] = []
    result.reserveCapacity(ordered.count)
    for (index, change) in ordered.enumerated() {
      let before = value
      switch change.update.operation {
      case .write, .clear: value = change.update.applied(to: 0)
      default: value = before.map { change.update.applied(to: $0) }
      }
      if let before, let value, value >= before {} else { riseStart = index }
      result.append(
        Update(time: change.time, value: value, riseStart: riseStart, source: change.source))
    }
    return result
  }

  /// The change from which on a wait was met until `time`: who let the waiting instruction go.
  ///
  /// Nil when the wait was met from the beginning, or the window does not know.
  func release(_ wait: ProgramWait, before time: Int64) -> EventReference? {
    guard wait.condition != .none, Int(wait.semaphore) < updates.count else { return nil }
    let list = updates[Int(wait.semaphore)]
    guard var place = last(list, atOrBefore: time) else { return nil }
    // A change that the waiting engine had not yet seen may have ended what it saw.
    while !isMet(wait, list[place]) {
      guard place > 0, list[place].value != nil else { return nil }
      place -= 1
    }
    while true {
      place = first(wait, list, in: list[place].riseStart...place)
      guard place > 0 else {
        let isMetBefore = value(before: Int(wait.semaphore)).map { wait.isMet(by: $0) } ?? false
        return isMetBefore ? nil : list[place].source
      }
      guard isMet(wait, list[place - 1]) else { return list[place].source }
      place -= 1
    }
  }

  private func isMet(_ wait: ProgramWait, _ update: Update) -> Bool {
    update.value.map { wait.isMet(by: $0) } ?? false
  }

  private func last(_ list: [Update], atOrBefore time: Int64) -> Int? {
    var (low, high) = (0, list.count)
    while low < high {
      let middle = (low + high) / 2
      if list[middle].time <= time { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }

  /// The first change of a rise from which on the wait is met to the rise's end.
  private func first(_ wait: ProgramWait, _ list: [Update], in rise: ClosedRange<Int>) -> Int {
    var (low, high) = (rise.lowerBound, rise.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if isMet(wait, list[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
