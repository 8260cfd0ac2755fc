package import Results

/// Compares two sets of results.
///
/// Results are paired by workload, mode, variant and seed, and by device unless each side has one
/// device and the two differ: then the question is one device against the other. Where a side holds
/// several results of one pairing key, the latest counts.
package struct Comparator: Hashable, Sendable {
  /// The level of the whole table's rank tests.
  package var alpha: Double = 0.05
  /// Host medians that differ by less are the same.
  package var noiseFloorPercent: Double = 1
  /// Only these metrics; all when empty.
  package var metrics: Set<String> = []

  package init(alpha: Double = 0.05, noiseFloorPercent: Double = 1, metrics: Set<String> = []) {
    self.alpha = alpha
    self.noiseFloorPercent = noiseFloorPercent
    self.metrics = metrics
  }

  /// Throws `determinismViolation` when two results of one clean identity, on either side or
  /// between them, hold different exact values.
  package func compare(
    base: [RunResult], new: [RunResult]
  ) throws(ResultsError) -> ComparisonReport {
    try checkDeterminism(base + new)
    let includesDevice = !isDeviceAgainstDevice(base, new)
    let bases = latest(base, includesDevice: includesDevice)
    let news = latest(new, includesDevice: includesDevice)
    let (baseNames, newNames) = (RowLabels(bases.values), RowLabels(news.values))
    var report = ComparisonReport(rows: [])
    var drafts: [DraftRow] = []
    for (key, newResult) in news.sorted(by: { $0.key < $1.key }) {
      let name = newNames.label(newResult)
      guard let baseResult = bases[key] else {
        report.onlyInNew.append(name)
        continue
      }
      if let reason = refusalReason(base: baseResult, new: newResult) {
        report.refusals.append(Refusal(workload: name, reason: reason))
        continue
      }
      drafts += draftRows(base: baseResult, new: newResult, workload: name)
    }
    report.onlyInBase = bases.filter { news[$0.key] == nil }.sorted { $0.key < $1.key }
      .map { baseNames.label($0.value) }
    report.rows = judge(drafts)
    return report
  }

  private func isDeviceAgainstDevice(_ base: [RunResult], _ new: [RunResult]) -> Bool {
    let bases = Set(base.map(\.device))
    let news = Set(new.map(\.device))
    return bases.count == 1 && news.count == 1 && bases != news
  }

  private func latest(_ results: [RunResult], includesDevice: Bool) -> [String: RunResult] {
    var newest: [String: RunResult] = [:]
    for result in results {
      let key = result.pairingKey(includesDevice: includesDevice)
      if let earlier = newest[key], earlier.started > result.started { continue }
      newest[key] = result
    }
    return newest
  }

  private func checkDeterminism(_ results: [RunResult]) throws(ResultsError) {
    var first: [String: RunResult] = [:]
    for result in results {
      guard let earlier = first[result.identityText] else {
        first[result.identityText] = result
        continue
      }
      if let violation = result.determinismViolation(against: earlier) { throw violation }
    }
  }

  /// Why two results of one workload answer different questions; nil if they may be compared.
  func refusalReason(base: RunResult, new: RunResult) -> String? {
    func differ(_ name: String, _ base: String?, _ new: String?) -> String? {
      base == new ? nil : "\(name): base \(base ?? "not recorded"), new \(new ?? "not recorded")"
    }
    if let reason = differ("shape", base.shapeText, new.shapeText) { return reason }
    if let reason = differ("precision", base.work.precision, new.work.precision) { return reason }
    let versions = (base.work.workloadVersion, new.work.workloadVersion)
    if let reason = differ("workload version", versions.0, versions.1) { return reason }
    let shared = Set(base.metrics.keys).intersection(new.metrics.keys)
    for name in shared.sorted() where metrics.isEmpty || metrics.contains(name) {
      let units = (base.metrics[name]?.unit, new.metrics[name]?.unit)
      if let reason = differ("unit of \(name)", units.0, units.1) { return reason }
    }
    for name in metrics.sorted() where metrics.isDisjoint(with: shared) {
      guard (base.metrics[name] == nil) != (new.metrics[name] == nil) else { continue }
      return "the \(base.metrics[name] == nil ? "base" : "new") run recorded no \(name)"
    }
    // A speed with wrong values is no speed.
    if base.numerics.isFailed { return "the base run failed its numerics check" }
    if new.numerics.isFailed { return "the new run failed its numerics check" }
    return nil
  }
}
