import TraceFile
import Units

/// Cores that ran side by side: what each did, what all did together, and where they waited for one
/// another.
package struct CoreSummaries: Sendable {
  /// Instructions of one kind, at which cores meet.
  package struct Meeting: Codable, Equatable, Sendable {
    /// `COLLECTIVE_TRIGGER`, `SENDRECV` or `PSEUDO_CORE_BARRIER`.
    package var opcode: String
    /// Executions on all cores; absent where samples alone tell of them.
    package var count: Int64?
    /// Microseconds that each core's engines stood still for them, in order of the cores.
    package var waitUs: [Double]
  }

  /// The engine whose work is dealt most unevenly.
  package struct Imbalance: Codable, Equatable, Sendable {
    /// The engine.
    package var engine: String
    /// The core on which it is busy longest.
    package var core: String
    /// How long it is busy there.
    package var busyUs: Double
    /// How long it is busy on the mean of all cores.
    package var meanUs: Double
  }

  /// Each core's name and summary, in order.
  package let cores: [(core: String, summary: TraceSummary)]

  /// The summaries of cores that ran side by side.
  package init(_ cores: [(core: String, summary: TraceSummary)]) { self.cores = cores }

  /// The time until the last core is done.
  package var duration: Int64 { cores.map(\.summary.duration.value).max() ?? 0 }

  /// The core that is done last; the first of those that are.
  package var last: String? { cores.first { $0.summary.duration.value == duration }?.core }

  /// What the cores' durations are on the mean.
  package var meanDuration: Double { mean { Double($0.duration.value) } }

  /// The share of all cores' time until the last is done that some of their tracks are busy.
  package func busyPercent(_ tracks: (TraceSummary) -> [TrackShare]) -> Double {
    guard duration > 0 else { return 0 }
    let busy = mean { summary in
      let own = tracks(summary)
      return own.reduce(0) { $0 + Double($1.busy) } / Double(max(1, own.count))
    }
    return 100 * busy / Double(duration)
  }

  /// A rate that is a share of a core's peak, as a share of all cores' until the last is done; nil
  /// where a core does not know it.
  package func utilization(_ name: String) -> Double? {
    let known = cores.compactMap { _, summary in
      summary.metric(name).map { $0 * Double(summary.duration.value) }
    }
    guard known.count == cores.count, duration > 0 else { return nil }
    return known.reduce(0, +) / Double(known.count) / Double(duration)
  }

  /// What all cores count together; nil where one of them does not know.
  package func sum(_ count: (TraceSummary) -> Int64?) -> Int64? {
    cores.reduce(0) { total, core in
      guard let total, let own = count(core.summary) else { return nil }
      return total + own
    }
  }

  private func mean(_ value: (TraceSummary) -> Double) -> Double {
    cores.reduce(0) { $0 + value($1.summary) } / Double(max(1, cores.count))
  }

  // MARK: Groups

  /// The groups of all cores, those of one name added up.
  package func groups(by grouping: SummaryGrouping) -> [SummaryGroup] {
    var sums: [String: SummaryGroup] = [:]
    for group in cores.flatMap({ $0.summary.groups(by: grouping) }) {
      sums[group.name] = sums[group.name].map { $0.adding(group) } ?? group
    }
    return sums.values.sorted(by: TraceSummary.isBefore)
  }

  // MARK: Waiting for each other

  /// The kinds of meetings that occur.
  package var meetings: [Meeting] {
    TraceSummary.meetingOpcodes.compactMap { opcode in
      let own = cores.map { $0.summary.meetings(opcode) }
      guard own.contains(where: { $0.count > 0 || $0.wait > 0 }) else { return nil }
      let isCounted = cores.allSatisfy(\.summary.isCounted)
      return Meeting(
        opcode: opcode, count: isCounted ? own.reduce(0) { $0 + $1.count } : nil,
        waitUs: own.map { Double($0.wait) / 1e6 })
    }
  }

  /// The engine that one core keeps busy longest beyond the mean; nil where all cores' are equal.
  package var imbalance: Imbalance? {
    var worst: Imbalance?
    for index in 0..<TrackID.engineCount {
      let mean = mean { Double($0.engines[index].busy) }
      let busiest = cores.max { $0.summary.engines[index].busy < $1.summary.engines[index].busy }
      guard let busiest else { continue }
      let share = busiest.summary.engines[index]
      let found = Imbalance(
        engine: share.track.name, core: busiest.core, busyUs: Double(share.busy) / 1e6,
        meanUs: mean / 1e6)
      if found.excess > worst?.excess ?? 0 { worst = found }
    }
    return worst
  }

  /// Who is done last, who has more to do than others, and what meetings cost: sentences for
  /// people.
  package var remarks: [String] {
    guard let last else { return [] }
    var lines: [String] = []
    let lead = Double(duration) - meanDuration
    if lead >= 1 {
      lines.append(
        "core \(last) is done last; the mean of all is \(SummaryText.time(Int64(lead))) before")
    }
    if let imbalance {
      lines.append(
        "\(imbalance.engine) is unbalanced: busy for \(Self.time(imbalance.busyUs)) on core "
          + "\(imbalance.core), for \(Self.time(imbalance.meanUs)) on the mean")
    } else {
      lines.append("all cores' engines are busy for equally long")
    }
    return lines + meetings.map(remark)
  }

  private func remark(_ meeting: Meeting) -> String {
    let order = meeting.waitUs.indices.sorted {
      (meeting.waitUs[$0], $0) < (meeting.waitUs[$1], $1)
    }
    let times = [order.first, order.last].compactMap(\.self).map {
      "\(Self.time(meeting.waitUs[$0])) on core \(cores[$0].core)"
    }
    let count = meeting.count.map { "\($0) of " } ?? ""
    return "\(count)\(meeting.opcode): engines wait at them from " + times.joined(separator: " to ")
  }

  private static func time(_ microseconds: Double) -> String {
    SummaryText.time(Int64((microseconds * 1e6).rounded()))
  }
}

extension CoreSummaries.Imbalance {
  /// Microseconds beyond the mean.
  var excess: Double { busyUs - meanUs }
}

extension TraceSummary {
  /// The instructions at which cores meet.
  static let meetingOpcodes = ["COLLECTIVE_TRIGGER", "SENDRECV", "PSEUDO_CORE_BARRIER"]

  /// How often a kind of meeting was come to, and how long engines stood still for it.
  ///
  /// An exchange and a barrier hold their own engine. A collective leaves it free: what stands
  /// still is who waits, in the same kernel, for the semaphore that the collective's end updates.
  func meetings(_ opcode: String) -> (count: Int64, wait: Int64) {
    var count: Int64 = 0
    var waiting: Set<Int> = []
    for index in 0..<program.count {
      guard let row = program[UInt32(index)], row.opcode == opcode else { continue }
      count += rows.totals[index].instructions
      if opcode == Self.meetingOpcodes[0] {
        waiting.formUnion(rowsThatWait(for: row, at: index))
      } else {
        waiting.insert(index)
      }
    }
    return (count, waiting.reduce(0) { $0 + rows.totals[$1].stall.wrappedSum() })
  }

  /// The engines' waits of this kind of meeting in all.
  package var meetingWait: Int64 {
    Self.meetingOpcodes.reduce(0) { $0 + meetings($1).wait }
  }

  /// Rows around one of the same kernel that wait for what it updates.
  private func rowsThatWait(for collective: ProgramRow, at place: Int) -> [Int] {
    guard collective.update.operation != .none else { return [] }
    func isInKernel(_ index: Int) -> Bool { program[UInt32(index)]?.kernel == collective.kernel }
    var (first, last) = (place, place)
    while first > 0, isInKernel(first - 1) { first -= 1 }
    while last + 1 < program.count, isInKernel(last + 1) { last += 1 }
    return (first...last).filter { index in
      guard let wait = program[UInt32(index)]?.wait else { return false }
      return wait.condition != .none && wait.semaphore == collective.update.semaphore
    }
  }
}

extension SummaryGroup {
  /// With what another core's group of the same name has; what one does not know nobody knows.
  fileprivate func adding(_ other: SummaryGroup) -> SummaryGroup {
    func sum(_ value: KeyPath<SummaryGroup, Int64?>) -> Int64? {
      guard let own = self[keyPath: value], let more = other[keyPath: value] else { return nil }
      return own &+ more
    }
    var result = self
    result.busy &+= other.busy
    result.stall &+= other.stall
    result.dmaBusy &+= other.dmaBusy
    result.instructions = sum(\.instructions)
    result.transfers = sum(\.transfers)
    result.bytes = sum(\.bytes)
    result.flops = sum(\.flops)
    result.hbmBytes = sum(\.hbmBytes)
    result.pathTime = sum(\.pathTime)
    result.bound = sum(\.bound)
    result.lost = sum(\.lost)
    return result
  }
}
