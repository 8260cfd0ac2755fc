import InstructionSet

/// Where one engine is in its queue, and when it can go on. Times are picoseconds.
struct EngineState {
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
  /// True after the last instruction of the last invocation.
  var isDone = false
  /// When the sequencer can dispatch again.
  var controlFree: Int64 = 0
  /// When the data path can take the next instruction.
  var dataFree: Int64 = 0
  /// The latest completion so far.
  var lastCompletion: Int64 = 0
  /// Completions of the last instructions of the data path, for the depth of dispatch-ahead.
  var recent = InlineArray<64, Int64>(repeating: 0)
  var recentCount = 0
  /// When the last DMA trigger began, for the trigger's own law.
  var lastTrigger = Int64.min / 2
  /// When the last software descriptor row was ready.
  var lastRow = Int64.min / 2
  /// Until when the data path streams elements, for shared ports.
  var streamingUntil: Int64 = 0
  /// PSUM banks that it streams.
  var streamingBanks: UInt8 = 0
  /// Instructions retired.
  var retired = 0
  /// The union of its busy intervals.
  var activeTime: Int64 = 0
  /// End of the union so far.
  var activeUntil: Int64 = 0

  /// The `distance`-th last completion or start that was noted, or the beginning of time.
  @inline(__always)
  func noted(_ distance: Int) -> Int64 {
    distance > recentCount ? .min / 2 : recent[(recentCount &- distance) & 63]
  }

  @inline(__always)
  mutating func note(_ time: Int64) {
    recent[recentCount & 63] = time
    recentCount &+= 1
  }

  /// Adds a busy interval; intervals come in order of their starts, nearly.
  @inline(__always)
  mutating func addActive(_ start: Int64, _ end: Int64) {
    let from = max(start, activeUntil)
    if end > from {
      activeTime += end - from
      activeUntil = end
    }
  }
}
