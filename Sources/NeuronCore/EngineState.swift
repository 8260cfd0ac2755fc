import CoreState

/// Where one engine is in its queue, and when it can go on. Times are picoseconds.
struct EngineState: BitwiseCopyable {
  /// Index of the next instruction in the loaded records.
  var next = 0
  /// One past the last instruction of the running segment's queue.
  var end = 0
  /// First instruction of the running segment's queue, for branches.
  var first = 0
  /// The running invocation.
  var invocation = -1
  /// When the next dispatch is expected, `Int64.max` while a wait is not met.
  var candidate: Int64 = 0
  /// True when the wait of the next instruction is met by what a transfer posts.
  var waitsForTransfer = false
  /// True after the last instruction of the last invocation.
  var isDone = false
  /// True while it stands at an instruction that meets those of other cores.
  var isHeld = false
  /// When the sequencer can dispatch again.
  var controlFree: Int64 = 0
  /// When the data path can take the next instruction; it has been idle before time zero.
  var dataFree: Int64 = -1
  /// The latest completion so far.
  var lastCompletion: Int64 = 0
  /// When the last DMA trigger began, for the trigger's own law.
  var lastTrigger = Int64.min / 2
  /// When the last software descriptor row was ready.
  var lastRow = Int64.min / 2
  /// Software descriptor rows before the last one in its burst.
  var burstRows: Int64 = 0
  /// Until when the data path streams elements, for shared ports.
  var streamingUntil: Int64 = 0
  /// PSUM banks that it streams.
  var streamingBanks: UInt8 = 0
  /// Since when the next instruction has been kept back by a port or bank of another engine, the
  /// wait for its semaphore before that included; the end of time while it is not.
  private(set) var heldSince = Int64.max
  /// Whether it waited for nothing before that.
  private var isHeldByPortAlone = false
  /// Time stood still for each cause, by `StallCause`.
  var stalls = InlineArray<6, Int64>(repeating: 0)
  /// Instructions retired.
  var retired = 0
  /// The union of its rows but for control rows, which only synchronise and are no activity, as in
  /// the vendor's profiler.
  var activeTime: Int64 = 0
  /// End of that union so far.
  var activeUntil: Int64 = 0
  /// The union of all its rows, which is what a trace shows as busy.
  var busyTime: Int64 = 0
  /// End of that union so far.
  private var busyUntil: Int64 = 0

  /// The next instruction, which could have run since `ready`, finds a port taken at `time`.
  @inline(__always)
  mutating func hold(from ready: Int64, at time: Int64) {
    guard heldSince == .max else { return }
    heldSince = min(ready, time)
    isHeldByPortAlone = ready >= time
  }

  /// The instruction runs: whether a port is all that it waited for.
  @inline(__always)
  mutating func endHold() -> Bool {
    guard heldSince != .max else { return false }
    heldSince = .max
    return isHeldByPortAlone
  }

  /// Adds a row; rows come in order of their starts, nearly.
  @inline(__always)
  mutating func addRow(_ start: Int64, _ end: Int64, isControl: Bool) {
    let busyFrom = max(start, busyUntil)
    if end > busyFrom {
      busyTime &+= end &- busyFrom
      busyUntil = end
    }
    if isControl { return }
    let from = max(start, activeUntil)
    if end > from {
      activeTime += end - from
      activeUntil = end
    }
  }
}

/// The last completions or starts of each engine, for what limits how far it may run ahead.
struct RecentTimes: ~Copyable {
  private static let depth = 64
  private var times: FixedBuffer<Int64>
  private var counts: FixedBuffer<Int>

  init(engines: Int) {
    times = FixedBuffer(repeating: .min / 2, count: engines * Self.depth)
    counts = FixedBuffer(repeating: 0, count: engines)
  }

  /// The `distance`-th last time that was noted, or the beginning of time. At most 64.
  @inline(__always)
  func noted(_ engine: Int, _ distance: Int) -> Int64 {
    times[engine &* Self.depth &+ ((counts[engine] &- distance) & (Self.depth &- 1))]
  }

  @inline(__always)
  mutating func note(_ engine: Int, _ time: Int64) {
    times[engine &* Self.depth &+ (counts[engine] & (Self.depth &- 1))] = time
    counts[engine] &+= 1
  }
}
