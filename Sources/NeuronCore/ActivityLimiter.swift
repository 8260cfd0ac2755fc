import Hardware
import Units

/// The tensor engine's activity limiter: half rate until a window has streamed enough cycles.
///
/// Time is counted in ticks, the denominator of the tensor clock in picoseconds (a third of a
/// picosecond on Trainium2), so that cycles are whole numbers of ticks. Work is counted in half
/// ticks at full rate: full rate does two in a tick, half rate one. What counts for the threshold
/// is that work times the quarters of the array's rows in use.
/// Source: profiler captures (windows of 4,096 base cycles, threshold 3/8, lag 31 ns), third-party
/// micro-benchmarks (a stream that uses half of the rows stays at half rate).
struct ActivityLimiter {
  /// Ticks of one tensor-engine cycle.
  let cycleTicks: Int64
  /// Quarters in which rows in use count: all of them.
  static let allRows: Int64 = 4
  private let windowTicks: Int64
  private let thresholdWork: Int64
  private let lagTicks: Int64
  private var windowEnd: Int64
  private var windowWork: Int64 = 0
  private var switchAt = Int64.max
  private var nextIsFull = false
  /// True while the array runs at its full rate.
  private(set) var isFull = false
  /// When the rate changed last.
  private(set) var lastSwitch = Int64.min / 2
  /// When the rate changed, in ticks; empty unless `recordsSwitches`.
  private(set) var switches: [Int64] = []
  /// Whether changes of the rate are written down.
  var recordsSwitches = false
  /// Cycles streamed at half rate, for reports.
  private(set) var throttledWork: Int64 = 0

  init(device: Device) {
    let tensor = device.clocks.tensor.value
    let base = device.clocks.sequencer.value
    let law = device.limiter
    cycleTicks = tensor.numerator
    windowTicks =
      law.windowCycles.value * base.numerator * tensor.denominator / base.denominator
    thresholdWork =
      law.fullCycles.value * law.thresholdNumerator.value * tensor.numerator * 2 * Self.allRows
      / law.thresholdDenominator.value
    lagTicks = law.lag.value.value * tensor.denominator
    windowEnd = windowTicks + law.phase.value.value * tensor.denominator
    isFull = !law.startsHalf.value
    nextIsFull = isFull
  }

  /// Passes the window ends and switches up to `time`.
  @inline(__always)
  mutating func advance(to time: Int64) {
    while min(windowEnd, switchAt) <= time {
      if switchAt <= windowEnd {
        isFull = nextIsFull
        lastSwitch = switchAt
        if recordsSwitches { noteSwitch() }
        switchAt = .max
      } else {
        closeWindow(idleUntil: time)
      }
    }
  }

  @inline(never)
  private mutating func noteSwitch() { switches.append(lastSwitch) }

  @inline(never)
  private mutating func closeWindow(idleUntil time: Int64) {
    let full = windowWork >= thresholdWork
    if full != nextIsFull {
      nextIsFull = full
      switchAt = windowEnd + lagTicks
    }
    let wasIdle = windowWork == 0
    windowWork = 0
    windowEnd += windowTicks
    // Nothing changes while nothing streams: pass all idle windows at once.
    if wasIdle, !nextIsFull, switchAt == .max, windowEnd < time {
      windowEnd += (time - windowEnd) / windowTicks * windowTicks
    }
  }

  /// Counts `cycles` that streamed beside others, in `rows` quarters that those left idle.
  mutating func countBeside(cycles: Int64, rows: Int64) {
    windowWork += cycles * cycleTicks * 2 * rows
  }

  /// Streams `cycles` from `start` on through `rows` quarters of the array's rows and returns the
  /// end; the rate may change on the way.
  @inline(__always)
  mutating func stream(from start: Int64, cycles: Int64, rows: Int64) -> Int64 {
    advance(to: start)
    var time = start
    var work = cycles * cycleTicks * 2
    while true {
      let boundary = min(windowEnd, switchAt)
      let rate: Int64 = isFull ? 2 : 1
      let end = time + (isFull ? (work + 1) >> 1 : work)
      if end <= boundary {
        windowWork += work * rows
        if !isFull { throttledWork += work }
        return end
      }
      let done = (boundary - time) * rate
      windowWork += done * rows
      if !isFull { throttledWork += done }
      work -= done
      time = boundary
      advance(to: time)
    }
  }

  /// Ticks that work takes from `start` on, of which `ticks` is right at the rate of the beginning:
  /// what is left when the rate changes goes on at the new one.
  @inline(__always)
  func ticks(_ ticks: Int64, from start: Int64, startedFull: Bool) -> Int64 {
    guard isFull != startedFull else { return ticks }
    let done = lastSwitch &- start
    guard done < ticks else { return ticks }
    let left = ticks - max(0, done)
    return max(0, done) + (startedFull ? 2 * left : (left + 1) >> 1)
  }

  /// Ticks that `cycles` take at a rate.
  @inline(__always)
  func ticks(_ cycles: Int64, isFull: Bool) -> Int64 { cycles * cycleTicks * (isFull ? 1 : 2) }
}
