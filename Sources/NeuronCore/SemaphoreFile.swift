import InstructionSet

/// The semaphores of a core: each is a value and a short queue of updates in time order.
///
/// Engines are advanced in the order of their next dispatch, so no update earlier than the current
/// time can still arrive. What is older than the longest detection latency is folded into the
/// value.
struct SemaphoreFile {
  /// An update that becomes visible at a time.
  struct Pending {
    var time: Int64
    var update: SemaphoreUpdate
  }

  private var settled: [UInt32]
  private var queues: [Pending]
  private var heads: [Int32]
  private var counts: [Int32]
  private var capacity: Int

  init(count: Int) {
    capacity = 32
    settled = Array(repeating: 0, count: count)
    heads = Array(repeating: 0, count: count)
    counts = Array(repeating: 0, count: count)
    queues = Array(repeating: Pending(time: 0, update: .none), count: count * capacity)
  }

  @inline(__always)
  private func slot(_ semaphore: Int, _ index: Int) -> Int {
    semaphore * capacity + ((Int(heads[semaphore]) &+ index) & (capacity &- 1))
  }

  /// Adds an update; equal times keep the order in which they are posted.
  mutating func post(_ update: SemaphoreUpdate, at time: Int64) {
    let semaphore = Int(update.semaphore)
    if Int(counts[semaphore]) == capacity { grow() }
    var index = Int(counts[semaphore])
    while index > 0, queues[slot(semaphore, index - 1)].time > time {
      queues[slot(semaphore, index)] = queues[slot(semaphore, index - 1)]
      index -= 1
    }
    queues[slot(semaphore, index)] = Pending(time: time, update: update)
    counts[semaphore] += 1
  }

  /// Folds updates that are visible at `time` or before into the value.
  @inline(__always)
  mutating func settle(_ semaphore: Int, upTo time: Int64) {
    while counts[semaphore] > 0 {
      let pending = queues[slot(semaphore, 0)]
      if pending.time > time { return }
      settled[semaphore] = pending.update.applied(to: settled[semaphore])
      heads[semaphore] = (heads[semaphore] &+ 1) & Int32(capacity &- 1)
      counts[semaphore] -= 1
    }
  }

  /// The earliest time from which the wait stays met until `ready`, or from which it is first met
  /// after; nil while no posted update meets it. `Int64.min` when it has been met for long.
  func timeMet(_ wait: SemaphoreWait, ready: Int64) -> Int64? {
    let semaphore = Int(wait.semaphore)
    var value = settled[semaphore]
    var met: Int64? = wait.isMet(by: value) ? .min : nil
    for index in 0..<Int(counts[semaphore]) {
      let pending = queues[slot(semaphore, index)]
      if met != nil, pending.time > ready { return met }
      value = pending.update.applied(to: value)
      if !wait.isMet(by: value) { met = nil } else if met == nil { met = pending.time }
    }
    return met
  }

  /// The value at a time, for reports.
  func value(_ semaphore: Int, at time: Int64) -> UInt32 {
    var value = settled[semaphore]
    for index in 0..<Int(counts[semaphore]) {
      let pending = queues[slot(semaphore, index)]
      if pending.time > time { break }
      value = pending.update.applied(to: value)
    }
    return value
  }

  private mutating func grow() {
    var wider = SemaphoreFile(count: settled.count)
    wider.capacity = capacity * 2
    wider.queues = Array(
      repeating: Pending(time: 0, update: .none), count: settled.count * wider.capacity)
    wider.settled = settled
    wider.counts = counts
    for semaphore in 0..<settled.count {
      for index in 0..<Int(counts[semaphore]) {
        wider.queues[semaphore * wider.capacity + index] = queues[slot(semaphore, index)]
      }
    }
    self = wider
  }
}
