package import Results

/// One metric of one workload on both sides.
package struct ComparisonRow: Hashable, Sendable {
  /// The workload, with what else tells two rows apart.
  package var workload: String
  /// The metric's JSON name.
  package var metric: String
  /// The unit of both values.
  package var unit: String
  /// Nil where there is nothing to stand beside: printed as a dash.
  package var base: MetricValue?
  /// Nil where our side cannot be stated: printed as a dash.
  package var new: MetricValue?
  /// `100 * (new - base) / base`; nil where a side is missing, or the base is 0 and the new is not.
  package var changePercent: Double?
  /// What the comparison says.
  package var verdict: Verdict
  /// How the verdict was reached.
  package var how: Method
  /// What a reader has to know: `needs n>=6`, a source, why there is a dash.
  package var note: String?
  /// True when more samples could turn `unsure` into a verdict.
  package var needsMoreSamples: Bool = false
  /// How many samples of each side that takes.
  package var samplesNeeded = 0

  /// A row of these parts.
  package init(
    workload: String, metric: String, unit: String, base: MetricValue?, new: MetricValue?,
    verdict: Verdict, how: Method, note: String? = nil, needsMoreSamples: Bool = false
  ) {
    self.workload = workload
    self.metric = metric
    self.unit = unit
    self.base = base
    self.new = new
    self.changePercent = Self.changePercent(base: base?.double, new: new?.double)
    self.verdict = verdict
    self.how = how
    self.note = note
    self.needsMoreSamples = needsMoreSamples
  }

  /// True when this row is worse by more than `percent`; worse than a base of 0 is beyond any gate.
  package func isRegression(beyond percent: Double) -> Bool {
    guard verdict == .worse else { return false }
    guard let changePercent else { return true }
    return changePercent.magnitude > percent
  }

  static func changePercent(base: Double?, new: Double?) -> Double? {
    guard let base, let new else { return nil }
    if base == new { return 0 }
    if base == 0 { return nil }
    return 100 * (new - base) / base.magnitude
  }
}

extension ComparisonRow: Codable {
  private enum CodingKeys: String, CodingKey {
    case workload, metric, unit, base, new, verdict, how, note
    case changePercent = "change_percent"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(workload, forKey: .workload)
    try fields.encode(metric, forKey: .metric)
    try fields.encode(unit, forKey: .unit)
    // Every key is always there, null included: scripts then need no test for absence.
    try fields.encode(base, forKey: .base)
    try fields.encode(new, forKey: .new)
    try fields.encode(changePercent, forKey: .changePercent)
    try fields.encode(verdict, forKey: .verdict)
    try fields.encode(how, forKey: .how)
    try fields.encode(note, forKey: .note)
  }
}

/// Two results of one workload that were not compared, and why.
package struct Refusal: Hashable, Sendable, Codable {
  /// The workload, with what else tells two rows apart.
  package var workload: String
  /// `shape: base k=4096, new k=2048`.
  package var reason: String

  package init(workload: String, reason: String) {
    self.workload = workload
    self.reason = reason
  }
}

/// A whole comparison.
package struct ComparisonReport: Hashable, Sendable {
  /// Sorted by workload, then in the order of the standard metrics, then by name.
  package var rows: [ComparisonRow]
  /// Pairs whose shape, number format, version or values forbid a comparison.
  package var refusals: [Refusal]
  /// Workloads of the new side that the base does not have.
  package var onlyInNew: [String]
  /// Workloads of the base that the new side does not have.
  package var onlyInBase: [String]

  package init(
    rows: [ComparisonRow], refusals: [Refusal] = [], onlyInNew: [String] = [],
    onlyInBase: [String] = []
  ) {
    self.rows = rows
    self.refusals = refusals
    self.onlyInNew = onlyInNew
    self.onlyInBase = onlyInBase
  }

  /// The exit code's outcome: regression, then refusals, then a missing baseline, then doubt.
  ///
  /// A workload that only the new side has is a missing baseline when nothing could be paired or
  /// when `isStrict`; adding a workload does not fail a comparison otherwise. Doubt counts only
  /// when `isStrict`.
  package func outcome(failAbovePercent: Double? = nil, isStrict: Bool = false) -> Outcome {
    if let failAbovePercent, rows.contains(where: { $0.isRegression(beyond: failAbovePercent) }) {
      return .regression
    }
    if !refusals.isEmpty { return .notComparable }
    let hasNoPair = rows.isEmpty
    if hasNoPair || (isStrict && !onlyInNew.isEmpty) { return .baselineMissing }
    if isStrict, rows.contains(where: \.needsMoreSamples) { return .inconclusive }
    return .done
  }
}

extension ComparisonReport: Codable {
  private enum CodingKeys: String, CodingKey {
    case schema, rows, refusals
    case onlyInNew = "only_in_new"
    case onlyInBase = "only_in_base"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      rows: try fields.decode([ComparisonRow].self, forKey: .rows),
      refusals: try fields.decode([Refusal].self, forKey: .refusals),
      onlyInNew: try fields.decode([String].self, forKey: .onlyInNew),
      onlyInBase: try fields.decode([String].self, forKey: .onlyInBase))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(RunResult.schema, forKey: .schema)
    try fields.encode(rows, forKey: .rows)
    try fields.encode(refusals, forKey: .refusals)
    try fields.encode(onlyInNew, forKey: .onlyInNew)
    try fields.encode(onlyInBase, forKey: .onlyInBase)
  }
}
