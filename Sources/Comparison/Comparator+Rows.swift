import Results

/// A metric on both sides before the table-wide correction.
struct DraftRow {
  var workload: String
  var metric: String
  var base: Metric
  var new: Metric
  var isExact: Bool { base.kind == .simulated && new.kind == .simulated }
  /// Samples of the side that has fewer.
  var fewestSamples: Int { min(base.measurements.count, new.measurements.count) }
}

extension Comparator {
  /// The metrics that both sides have, in the order of the standard metrics and then by name.
  func draftRows(base: RunResult, new: RunResult, workload: String) -> [DraftRow] {
    let standard = StandardMetric.allCases.map(\.rawValue)
    let others = Set(base.metrics.keys).union(new.metrics.keys).subtracting(standard).sorted()
    return (standard + others).compactMap { name in
      guard metrics.isEmpty || metrics.contains(name) else { return nil }
      guard let old = base.metrics[name], let now = new.metrics[name] else { return nil }
      guard old.unit == now.unit else { return nil }
      return DraftRow(workload: workload, metric: name, base: old, new: now)
    }
  }

  /// Verdicts for a whole table: exact rows by themselves, host rows corrected together.
  func judge(_ drafts: [DraftRow]) -> [ComparisonRow] {
    let most = Dictionary(
      drafts.filter { !$0.isExact }.map { ($0.workload, $0.fewestSamples) }, uniquingKeysWith: max)
    func isMeasuredOnce(_ draft: DraftRow) -> Bool {
      !draft.isExact && draft.fewestSamples <= 1 && most[draft.workload, default: 0] > 1
    }
    let hostIndices = drafts.indices.filter {
      !drafts[$0].isExact && !isMeasuredOnce(drafts[$0])
    }
    let level = alpha / Double(max(1, hostIndices.count))
    let tested = hostIndices.filter { index in
      let (base, new) = (drafts[index].base.measurements, drafts[index].new.measurements)
      return MannWhitney.smallestP(base.count, new.count) <= level
    }
    let adjusted = holmAdjusted(
      tested.map { MannWhitney(drafts[$0].base.measurements, drafts[$0].new.measurements).pValue })
    let pValues = Dictionary(uniqueKeysWithValues: zip(tested, adjusted))
    let needed = MannWhitney.samplesNeeded(alpha: level)
    return drafts.indices.map { index in
      let draft = drafts[index]
      if draft.isExact { return exactRow(draft) }
      if isMeasuredOnce(draft) { return singleRow(draft) }
      return hostRow(draft, pValue: pValues[index], needed: needed)
    }
  }

  private func exactRow(_ draft: DraftRow) -> ComparisonRow {
    let (base, new) = (draft.base.value, draft.new.value)
    let verdict = base == new ? .same : direction(draft, base: base.double, new: new.double)
    let isUndirected = verdict == .unsure
    return ComparisonRow(
      workload: draft.workload, metric: draft.metric, unit: draft.new.unit, base: base, new: new,
      verdict: verdict, how: .exact,
      note: isUndirected ? "changed; neither direction is better by itself" : nil)
  }

  /// A metric that a process measures once, however often it repeats the run: no test says whether
  /// it changed, and more repeats would not help.
  private func singleRow(_ draft: DraftRow) -> ComparisonRow {
    ComparisonRow(
      workload: draft.workload, metric: draft.metric, unit: draft.new.unit,
      base: draft.base.value, new: draft.new.value, verdict: .unsure, how: .mannWhitney,
      note: "measured once a run")
  }

  /// `pValue` is nil where the samples are too few to reach the level at all.
  private func hostRow(_ draft: DraftRow, pValue: Double?, needed: Int) -> ComparisonRow {
    let base = median(of: draft.base.measurements)
    let new = median(of: draft.new.measurements)
    var row = ComparisonRow(
      workload: draft.workload, metric: draft.metric, unit: draft.new.unit,
      base: MetricValue(base), new: MetricValue(new), verdict: .same, how: .mannWhitney)
    guard let pValue else {
      row.verdict = .unsure
      row.needsMoreSamples = true
      row.samplesNeeded = needed
      row.note =
        "needs n>=\(needed), has \(draft.base.measurements.count)"
        + " and \(draft.new.measurements.count)"
      return row
    }
    let isAboveFloor = (row.changePercent ?? .infinity).magnitude >= noiseFloorPercent
    if pValue < alpha, isAboveFloor { row.verdict = direction(draft, base: base, new: new) }
    let text = String(Int((min(1, pValue) * 10_000).rounded(.up)))
    let digits = String(repeating: "0", count: max(0, 4 - text.count)) + text
    row.note = pValue >= 1 ? "p=1" : "p<=0.\(digits)"
    return row
  }

  private func direction(_ draft: DraftRow, base: Double, new: Double) -> Verdict {
    switch draft.new.better {
    case .none: .unsure
    case .higher: new > base ? .better : .worse
    case .lower: new < base ? .better : .worse
    }
  }
}
