import CoreState
import InstructionSet

/// The semaphores of a core: each is a value and a short queue of updates in time order.
///
/// Engines are advanced in the order of their next dispatch, so no update earlier than the current
/// time can still arrive. What is older than the longest detection latency is folded into the
/// value.
struct SemaphoreFile: ~Copyable {
  /// An update that becomes visible at a time.
  struct Pending: BitwiseCopyable {
    var time: Int64
    var update: SemaphoreUpdate
    /// A transfer posted it: whoever it releases waited for data.
    var isByTransfer: Bool
  }

  /// What met a wait.
  struct Met: BitwiseCopyable {
    /// From when on it is met; `Int64.min` when it has been for long.
    var time: Int64
    /// The update that met it came from a transfer.
    var isByTransfer: Bool
  }

  /// One semaphore and its place in the ring of updates.
  struct State: BitwiseCopyable {
    var settled: UInt32 = 0
    var head: Int32 = 0
    var count: Int32 = 0
    /// Engines that wait for it, one bit each.
    var waiters: UInt8 = 0
  }

  private var states: FixedBuffer<State>
  private var queues: FixedBuffer<Pending>
  private var capacity: Int

  init(count: Int) {
    capacity = 32
    states = FixedBuffer(repeating: State(), count: count)
    queues = FixedBuffer(repeating: Self.noUpdate, count: count * capacity)
  }

  private static let noUpdate = Pending(time: 0, update: .none, isByTransfer: false)

  @inline(__always)
  private func slot(_ semaphore: Int, _ index: Int32) -> Int {
    semaphore &* capacity &+ (Int(states[semaphore].head &+ index) & (capacity &- 1))
  }

  /// Adds an update; equal times keep the order in which they are posted.
  @inline(__always)
  mutating func post(_ update: SemaphoreUpdate, at time: Int64, byTransfer: Bool) {
    let semaphore = Int(update.semaphore)
    if Int(states[semaphore].count) == capacity { grow() }
    var index = states[semaphore].count
    while index > 0, queues[slot(semaphore, index &- 1)].time > time {
      queues[slot(semaphore, index)] = queues[slot(semaphore, index &- 1)]
      index &-= 1
    }
    queues[slot(semaphore, index)] = Pending(
      time: time, update: update, isByTransfer: byTransfer)
    states[semaphore].count &+= 1
  }

  /// Folds updates that are visible at `time` or before into the value.
  @inline(__always)
  mutating func settle(_ semaphore: Int, upTo time: Int64) {
    while states[semaphore].count > 0 {
      let pending = queues[slot(semaphore, 0)]
      if pending.time > time { return }
      states[semaphore].settled = pending.update.applied(to: states[semaphore].settled)
      states[semaphore].head = (states[semaphore].head &+ 1) & Int32(capacity &- 1)
      states[semaphore].count &-= 1
    }
  }

  /// The earliest time from which the wait stays met until `ready`, or from which it is first met
  /// after, and by what; nil while no posted update meets it.
  @inline(__always)
  func met(_ wait: SemaphoreWait, ready: Int64) -> Met? {
    let semaphore = Int(wait.semaphore)
    var value = states[semaphore].settled
    var met = wait.isMet(by: value) ? Met(time: .min, isByTransfer: false) : nil
    for index in 0..<states[semaphore].count {
      let pending = queues[slot(semaphore, index)]
      if met != nil, pending.time > ready { return met }
      value = pending.update.applied(to: value)
      if !wait.isMet(by: value) {
        met = nil
      } else if met == nil {
        met = Met(time: pending.time, isByTransfer: pending.isByTransfer)
      }
    }
    return met
  }

  // MARK: Who waits, and for what

  /// Engines that wait for a semaphore, one bit each.
  @inline(__always)
  func waiters(_ semaphore: Int) -> UInt8 { states[semaphore].waiters }

  /// Notes that an engine waits for a semaphore.
  @inline(__always)
  mutating func addWaiter(_ engine: Int, _ semaphore: Int) {
    states[semaphore].waiters |= 1 << UInt8(truncatingIfNeeded: engine)
  }

  /// Notes that an engine's wait is over.
  @inline(__always)
  mutating func removeWaiter(_ engine: Int, _ semaphore: Int) {
    states[semaphore].waiters &= ~(1 << UInt8(truncatingIfNeeded: engine))
  }

  /// The value at a time, for reports.
  func value(_ semaphore: Int, at time: Int64) -> UInt32 {
    var value = states[semaphore].settled
    for index in 0..<states[semaphore].count {
      let pending = queues[slot(semaphore, index)]
      if pending.time > time { break }
      value = pending.update.applied(to: value)
    }
    return value
  }

  @inline(never)
  private mutating func grow() {
    var wider = FixedBuffer(
      repeating: Self.noUpdate, count: states.count * capacity * 2)
    for semaphore in states.indices {
      for index in 0..<states[semaphore].count {
        wider[semaphore * capacity * 2 + Int(index)] = queues[slot(semaphore, index)]
      }
    }
    for semaphore in states.indices { states[semaphore].head = 0 }
    queues = wider
    capacity *= 2
  }
}
