import Hardware
import ProfileImport
import TraceFile

/// The rows of a report that a replay runs: what the compiler emitted, and the last barrier before
/// it, from which all engines start together.
///
/// What comes before that barrier is the runtime's: it starts engines when the host gets to it, and
/// loads what it needs. What comes after the kernel is the runtime's again.
struct KernelRows {
  /// Rows of each engine in program order, in the order of `Engine`.
  private(set) var streams: [[ProfileInstruction]]
  /// How many rows at the beginning of each stream belong to the barrier.
  private(set) var barrierCounts: [Int]
  /// Rows of the core that are not replayed, before and after.
  private(set) var outside: [ProfileInstruction] = []

  /// Picks the rows of `core`; without the barrier when `withBarrier` is false.
  init(_ report: ProfileReport, core: String, withBarrier: Bool) {
    let own = report.instructions.filter { $0.core == core }
    let kernelStart = own.filter(\.isCompiled).map(\.start).min() ?? 0
    streams = []
    barrierCounts = []
    for engine in Engine.allCases {
      let rows = Self.inProgramOrder(own.filter { $0.engine.rawValue == engine.rawValue })
      let first =
        rows.firstIndex(where: \.isCompiled)
        ?? rows.firstIndex { $0.start >= kernelStart } ?? rows.count
      let begin = withBarrier ? Self.barrierStart(rows[..<first]) : first
      let end = rows.lastIndex(where: \.isCompiled).map { $0 + 1 } ?? first
      streams.append(Array(rows[begin..<end]))
      barrierCounts.append(first - begin)
      outside += rows[..<begin] + rows[end...]
    }
  }

  /// By program counter where each comes once: the tensor engine's weight loads run ahead, so that
  /// its rows do not begin in their order. With loops, by time.
  private static func inProgramOrder(_ rows: [ProfileInstruction]) -> [ProfileInstruction] {
    let kernel = rows.filter(\.isCompiled)
    let isStraight = Set(kernel.map(\.programCounter)).count == kernel.count
    let ordered = rows.enumerated().sorted {
      ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
    }.map(\.element)
    guard isStraight, let first = ordered.firstIndex(where: \.isCompiled),
      let last = ordered.lastIndex(where: \.isCompiled)
    else { return ordered }
    // Control rows after the kernel are dispatched while its last rows still stream.
    let middle = ordered[first...last]
    return ordered[..<first] + kernel.sorted { $0.programCounter < $1.programCounter }
      + middle.filter { !$0.isCompiled } + ordered[(last + 1)...]
  }

  /// Where the last run of waits and updates of the runtime's semaphores begins.
  private static func barrierStart(_ rows: ArraySlice<ProfileInstruction>) -> Int {
    guard var begin = rows.lastIndex(where: \.isSemaphoreRow) else { return rows.endIndex }
    while begin > rows.startIndex, rows[begin - 1].isSemaphoreRow { begin -= 1 }
    return begin
  }
}
