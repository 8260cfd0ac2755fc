/// What the rows of the activity limiter add up to, by the profiler's names: how long it was in
/// each sort of state, and which part of the full rate it let through meanwhile.
///
/// Cores are numbered in the order of their names. Time is throttled where less than all is let
/// through. The mean limit of a sort is over that sort's own time, that of all over the whole time,
/// so that time without a row counts as nothing let through.
struct LimiterMeasures: Sendable {
  /// Windows of one sort.
  private struct Sort {
    var time: Int64 = 0
    var allowed = 0.0
  }

  private struct Core {
    var throttled: Int64 = 0
    var sorts: [Int: Sort] = [:]
  }

  private var cores: [Core] = []
  /// Sorts that have a number among the profiler's names.
  private static let known = 0...1

  init(_ report: ProfileReport) {
    let names = Set(report.limiter.map(\.core)).sorted()
    cores = names.map { name in
      var core = Core()
      for window in report.limiter where window.core == name && window.period > 0 {
        let share = Double(window.allowed) / Double(window.period)
        if window.allowed < window.period { core.throttled += window.duration }
        var sort = core.sorts[window.sort] ?? Sort()
        sort.time += window.duration
        sort.allowed += share * Double(window.duration)
        core.sorts[window.sort] = sort
      }
      return core
    }
  }

  /// Hands on each number with its name and unit; `end` is the whole time, in picoseconds.
  func forEachNumber(end: Int64, _ body: (String, String, Double?) -> Void) {
    for (number, core) in cores.enumerated() where end > 0 {
      let suffix = "nc\(number)"
      body("throttle_active_\(suffix)_time_ns", "ns", Double(core.throttled) / 1e3)
      for (sort, own) in core.sorts.sorted(by: { $0.key < $1.key }) where own.time > 0 {
        let name =
          Self.known.contains(sort) ? "throttle_activity_\(sort)" : "throttle_unknown"
        body("\(name)_active_time_\(suffix)_percent", "1", Double(own.time) / Double(end))
        body("\(name)_avg_util_limit_\(suffix)_percent", "1", own.allowed / Double(own.time))
      }
      let allowed = core.sorts.sorted { $0.key < $1.key }.reduce(0.0) { $0 + $1.value.allowed }
      body("throttle_avg_util_limit_\(suffix)_percent", "1", allowed / Double(end))
    }
  }
}
