package import TraceFile
import Units

/// Where the time moved between two runs.
package struct TraceDifference: Sendable {
  /// One part of the time, in picoseconds.
  package struct Part: Equatable, Sendable {
    /// An engine's name, or `dma`.
    package var engine: String
    /// `busy`, `idle`, or a cause of standing still.
    package var cause: String
    /// The kernel; empty where none is named.
    package var kernel: String
    /// In the base.
    package var base: Int64
    /// In the new run.
    package var new: Int64

    /// What the part adds to the change of the whole.
    package var change: Int64 { new - base }
  }

  /// The run that is compared with.
  package let base: TraceSummary
  /// The run that is compared.
  package let new: TraceSummary
  /// The critical paths by engine, cause and kernel: the changes add up to `change`. Nil when one
  /// of the runs is too long to follow, or holds no events.
  package let path: [Part]?
  /// Each engine's time by cause and kernel: the changes of each engine add up to `change`.
  package let engines: [Part]
  /// Which instructions were added, removed and moved.
  package let instructions: InstructionDifference
  /// What is missing from either file.
  package var damage: [TraceDamage] { base.damage + new.damage }

  /// By how much the new run is longer, in picoseconds.
  package var change: Int64 { new.duration.value - base.duration.value }

  /// Compares two traces; `cells` is the length of the strips, which share one scale.
  package init(
    base first: borrowing TraceReader, new second: borrowing TraceReader, cells: Int = 0
  ) throws(TraceError) {
    let length = max(TraceSummary.length(first), TraceSummary.length(second))
    base = try TraceSummary(
      first, cells: cells, stripLength: length, followsPath: true)
    new = try TraceSummary(
      second, cells: cells, stripLength: length, followsPath: true)
    engines = Self.merged(base.engineTimes, new.engineTimes)
    instructions = InstructionDifference(base: base, new: new)
    path =
      if let before = base.path, let after = new.path {
        Self.merged(before.parts, after.parts)
      } else {
        nil
      }
  }

  private static func merged(
    _ before: [CriticalPath.Part: Int64], _ after: [CriticalPath.Part: Int64]
  ) -> [Part] {
    sorted(
      Set(before.keys).union(after.keys).map { key in
        Part(
          engine: key.engine, cause: key.cause, kernel: key.kernel, base: before[key] ?? 0,
          new: after[key] ?? 0)
      })
  }

  /// The parts of several cores, added up.
  static func sum(_ cores: [[Part]]) -> [Part] {
    var before: [CriticalPath.Part: Int64] = [:]
    var after = before
    for part in cores.joined() {
      let key = CriticalPath.Part(engine: part.engine, cause: part.cause, kernel: part.kernel)
      before[key, default: 0] += part.base
      after[key, default: 0] += part.new
    }
    return merged(before, after)
  }

  /// The largest change first.
  private static func sorted(_ parts: [Part]) -> [Part] {
    parts.sorted { a, b in
      let (sizeA, sizeB) = (a.change.magnitude, b.change.magnitude)
      if sizeA != sizeB { return sizeA > sizeB }
      if a.new != b.new { return a.new > b.new }
      return (a.engine, a.cause, a.kernel) < (b.engine, b.cause, b.kernel)
    }
  }
}

extension TraceSummary {
  /// The time of each engine by cause and kernel; each engine's values add up to the duration.
  ///
  /// What no row accounts for stands under a kernel of its own, so that nothing is lost.
  package var engineTimes: [CriticalPath.Part: Int64] {
    var times: [CriticalPath.Part: Int64] = [:]
    var rest = engines
    for (index, total) in rows.totals.enumerated() {
      guard let row = program[UInt32(index)], !row.engine.isDMA else { continue }
      let engine = Int(row.engine.rawValue)
      func add(_ cause: String, _ time: Int64) {
        guard time != 0 else { return }
        times[.init(engine: row.engine.name, cause: cause, kernel: row.kernel), default: 0] += time
      }
      add("busy", total.busy)
      rest[engine].busy -= total.busy
      for cause in StallCause.allCases {
        let time = total.stall[Int(cause.rawValue)]
        add(cause.key, time)
        rest[engine].stall[Int(cause.rawValue)] -= time
      }
    }
    for (share, left) in zip(engines, rest) {
      func add(_ cause: String, _ kernel: String, _ time: Int64) {
        guard time != 0 else { return }
        times[.init(engine: share.track.name, cause: cause, kernel: kernel), default: 0] += time
      }
      add("busy", "(unknown)", left.busy)
      for cause in StallCause.allCases {
        add(cause.key, "(unknown)", left.stall[Int(cause.rawValue)])
      }
      add("missing", "", share.missing)
      add("idle", "", share.idle + duration.value - share.whole)
    }
    return times
  }
}
