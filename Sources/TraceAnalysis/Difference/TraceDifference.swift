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

  /// Changes of a kernel's time up to this many picoseconds may come from the samples alone; 0
  /// where both runs hold events.
  package var uncertainty: Int64 {
    func half(_ summary: TraceSummary) -> Double {
      guard let sampling = summary.sampling else { return 0 }
      return Double(summary.duration.value) * sampling.halfWidthPercent / 100
    }
    return Int64(half(base) + half(new))
  }

  /// What the reader must know of how exact the parts are, and of what is left out; sentences for
  /// people.
  package var notes: [String] {
    var notes: [String] = []
    let sampled = [("base", base), ("new", new)].filter { $0.1.basis != .events }.map(\.0)
    if !sampled.isEmpty {
      let who = sampled.count == 2 ? "Both runs were" : "The \(sampled[0]) run was"
      let other = sampled.count == 2 ? "" : ", the other one recorded event by event"
      notes.append(
        "\(who) sampled\(other): how an engine's time is shared by kernels is an estimate there, "
          + "and there is no critical path. Changes up to \(SummaryText.time(uncertainty)) may come "
          + "from the samples alone and are not listed.")
    }
    for summary in [base, new] { notes += summary.notes.filter { !notes.contains($0) } }
    return notes
  }

  /// The parts of the engines' time whose change is more than samples may be off by.
  package var certainEngines: [Part] { engines.filter { $0.change.magnitude > uncertainty } }

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
  /// What no row accounts for stands under a kernel of its own, so that nothing is lost. Of a trace
  /// of samples, what the model counted of an engine is shared out to kernels as the samples are.
  package var engineTimes: [CriticalPath.Part: Int64] {
    basis == .events ? exactTimes : estimatedTimes
  }

  private var estimatedTimes: [CriticalPath.Part: Int64] {
    var times: [CriticalPath.Part: Int64] = [:]
    for (engine, share) in engines.enumerated() {
      var weights = Array(repeating: [String: Int64](), count: StallCause.count + 1)
      for (index, total) in rows.totals.enumerated() {
        guard let row = program[UInt32(index)], Int(row.engine.rawValue) == engine else { continue }
        weights[StallCause.count][row.kernel, default: 0] += total.busy
        for cause in 0..<StallCause.count {
          weights[cause][row.kernel, default: 0] += total.stall[cause]
        }
      }
      func add(_ cause: String, _ time: Int64, _ weights: [String: Int64]) {
        for (kernel, part) in Self.shared(time, as: weights) where part != 0 {
          let place = CriticalPath.Part(engine: share.track.name, cause: cause, kernel: kernel)
          times[place, default: 0] += part
        }
      }
      add("busy", share.busy, weights[StallCause.count])
      for cause in StallCause.allCases {
        let place = Int(cause.rawValue)
        add(cause.key, share.stall[place], weights[place])
      }
      add("missing", share.missing, ["": 1])
      add("idle", share.idle + duration.value - share.whole, ["": 1])
    }
    return times
  }

  /// A time split by weights; the parts add up to it. What no sample saw has no kernel.
  private static func shared(_ time: Int64, as weights: [String: Int64]) -> [String: Int64] {
    let known = weights.filter { $0.value > 0 }.sorted { $0.key < $1.key }
    let whole = known.reduce(0.0) { $0 + Double($1.value) }
    guard let largest = known.max(by: { $0.value < $1.value })?.key else {
      return ["(unknown)": time]
    }
    var parts: [String: Int64] = [:]
    for (kernel, weight) in known {
      parts[kernel] = Int64(Double(time) * (Double(weight) / whole))
    }
    parts[largest, default: 0] += time - parts.values.reduce(0, +)
    return parts
  }

  private var exactTimes: [CriticalPath.Part: Int64] {
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
