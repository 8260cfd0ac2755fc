import TraceFile
import Units

/// The critical path's time by program row, and by engine and cause.
package struct PathTotals: Sendable {
  /// One row's share of the path.
  package struct Row: Sendable {
    /// Time that the path spent in its work.
    package var busy: Int64 = 0
    /// Time before its starts in which nothing on the path worked, by `Cause.Kind`.
    package var gaps = [Int64](repeating: 0, count: Cause.Kind.allCases.count)
    /// The track that the longest gap waited for, or nil.
    package var longestSource: UInt8?
    /// The longest single gap that waited for another engine, and when it ended.
    package var longestGap: Int64 = 0
    /// See `longestGap`.
    package var longestGapEnd: Int64 = 0

    /// All of it.
    package var time: Int64 { busy + gaps.reduce(0, +) }

    /// The gaps of some causes.
    func time(_ kinds: [Cause.Kind]) -> Int64 {
      zip(Cause.Kind.allCases, gaps).reduce(0) { $0 + (kinds.contains($1.0) ? $1.1 : 0) }
    }
  }

  /// By program counter.
  package private(set) var rows: [UInt32: Row] = [:]
  /// By the number of the kernel's invocation, gaps included; what belongs to none is left out.
  private(set) var invocations: [Int: Int64] = [:]
  /// By engine, cause and kernel; adds up to the range.
  package private(set) var parts: [CriticalPath.Part: Int64] = [:]

  /// No path yet.
  init() {}

  /// Totals along the critical path of these causes.
  package init(_ graph: CauseGraph) {
    let path = CriticalPath(graph)
    let cover = BusyCover(graph.window)
    parts = path.parts(graph.window, cover)
    for step in path.steps {
      for share in CriticalPath.shares(step, cover) where share.time > 0 {
        add(share, step, graph.window)
      }
    }
  }

  /// Adds a step of a path that is followed stretch by stretch.
  mutating func add(_ step: CriticalPath.Step, _ window: EventWindow, _ cover: BusyCover) {
    for share in CriticalPath.shares(step, cover) where share.time > 0 {
      add(share, step, window)
      parts[CriticalPath.part(share, window), default: 0] += share.time
    }
  }

  /// Adds what follows the path's last record to the range's end.
  mutating func addEnd(after last: EventReference, _ from: Int64, to: Int64) {
    guard to > from else { return }
    let part = CriticalPath.Part(engine: CriticalPath.engine(last), cause: "end", kernel: "")
    parts[part, default: 0] += to - from
  }

  private mutating func add(
    _ share: CriticalPath.Share, _ step: CriticalPath.Step, _ window: EventWindow
  ) {
    let event = window[share.reference]
    let counter = event.programCounter
    if !window.invocations.isEmpty, let track = TrackID(rawValue: share.reference.track),
      let index = window.invocationIndex(event, on: track)
    {
      invocations[index, default: 0] += share.time
    }
    var row = rows[counter] ?? Row()
    defer { rows[counter] = row }
    guard let cause = share.cause else {
      row.busy += share.time
      return
    }
    row.gaps[Cause.Kind.allCases.firstIndex(of: cause) ?? 0] += share.time
    let isWait = cause != .issue && cause != .trigger && cause != .beginning
    guard isWait, share.time > row.longestGap else { return }
    row.longestGap = share.time
    row.longestGapEnd = step.from
    row.longestSource = step.cause.source?.track
  }

  /// The path's time by engine and cause, the longest first.
  package var byEngineAndCause: [(engine: String, cause: String, time: Int64)] {
    var times: [CriticalPath.Part: Int64] = [:]
    for (part, time) in parts {
      times[.init(engine: part.engine, cause: part.cause, kernel: ""), default: 0] += time
    }
    return times.map { (engine: $0.engine, cause: $0.cause, time: $1) }.sorted {
      $0.time != $1.time ? $0.time > $1.time : ($0.engine, $0.cause) < ($1.engine, $1.cause)
    }
  }
}
