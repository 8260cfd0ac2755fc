package import Results

/// What a comparison of chips has to know about ours.
package struct ChipCapacity: Hashable, Sendable {
  /// Equal cores that work side by side.
  package var cores: Int
  /// HBM of the whole chip, shared evenly.
  package var hbmBytes: Int64

  /// A chip of that many cores and that much device memory.
  package init(cores: Int = 8, hbmBytes: Int64) {
    precondition(cores > 0, "a chip has cores")
    self.cores = cores
    self.hbmBytes = hbmBytes
  }
}

/// Puts results beside published numbers, chip against chip.
///
/// Our side is one core's rate times the number of cores: every core works on a copy of its own and
/// none talks to another. A result of cores that worked together counts once for each group of so
/// many that the chip has. A number is compared only with exactly its shape and number format.
package struct ReferenceComparator: Hashable, Sendable {
  /// Our chip.
  package var chip: ChipCapacity
  /// Published rates carry no error bars; within this band the two are the same.
  package var bandPercent: Double

  package init(chip: ChipCapacity, bandPercent: Double = 10) {
    self.chip = chip
    self.bandPercent = bandPercent
  }

  /// How our side of rows of one core has to be labelled.
  package var label: String { "\(chip.cores) x one core, no collectives" }

  /// How our side of a row has to be labelled.
  package func label(_ result: RunResult) -> String {
    guard let cores = result.work.cores else { return label }
    let one = "\(cores) cores with their collectives"
    return copies(result) == 1 ? one : "\(copies(result)) x \(one)"
  }

  /// How often the work fits the chip's cores.
  private func copies(_ result: RunResult) -> Int { chip.cores / max(1, result.work.cores ?? 1) }

  /// The published numbers that a result's operation, shape and number format match exactly.
  package func matches(_ result: RunResult, _ published: [PublishedNumber]) -> [PublishedNumber] {
    guard let operation = result.work.operation, let precision = result.work.precision else {
      return []
    }
    return published.filter {
      $0.operation == operation && $0.shape == result.work.shape
        && $0.precisions.contains(precision)
    }
  }

  /// Our chip's rate in the published unit; nil where the copies do not fit or nothing was timed.
  package func chipRate(_ result: RunResult, beside published: PublishedNumber) -> Double? {
    guard fits(result) == true, let latency = result.metric(.latency)?.value.double, latency > 0
    else { return nil }
    guard let unit = Self.unitSize(published.unit) else { return nil }
    return Double(copies(result)) * published.work / (latency * 1e-6) / unit
  }

  /// One row per result and matching number; a row with a dash where none matches.
  package func compare(
    _ results: [RunResult], with published: [PublishedNumber]
  ) -> ComparisonReport {
    var report = ComparisonReport(rows: [])
    for result in ResultStore.latest(of: results) {
      if result.numerics.isFailed {
        let reason = "the run failed its numerics check"
        report.refusals.append(Refusal(workload: result.workload, reason: reason))
        continue
      }
      let found = matches(result, published)
      report.rows += found.isEmpty ? [dash(result)] : found.map { row(result, $0) }
    }
    return report
  }

  /// Whether the copies fit the chip at an even share each; nil when the size is not known.
  private func fits(_ result: RunResult) -> Bool? {
    let copies = copies(result)
    guard copies > 0 else { return false }
    return result.work.hbmFootprintBytes.map { $0 <= chip.hbmBytes / Int64(copies) }
  }

  private func dash(_ result: RunResult) -> ComparisonRow {
    ComparisonRow(
      workload: result.workload, metric: "throughput", unit: "", base: nil, new: nil,
      verdict: .unsure, how: .published, note: "no published number of this shape and format")
  }

  private func row(_ result: RunResult, _ published: PublishedNumber) -> ComparisonRow {
    let ours = chipRate(result, beside: published)
    let citation = "\(published.device), \(published.software), \(published.id)"
    let reason = ours == nil ? whyNot(result, published) : label(result)
    let note = "\(reason); \(citation)"
    var row = ComparisonRow(
      workload: result.workload, metric: "throughput", unit: published.unit,
      base: MetricValue(published.value), new: ours.map { MetricValue($0) }, verdict: .unsure,
      how: published.isMeasured ? .measured : .published, note: note)
    guard let change = row.changePercent else { return row }
    row.verdict = change.magnitude <= bandPercent ? .same : change > 0 ? .better : .worse
    return row
  }

  private func whyNot(_ result: RunResult, _ published: PublishedNumber) -> String {
    switch fits(result) {
    case nil: return "the size in HBM was not recorded"
    case false?: return "\(copies(result)) copies do not fit into the chip's HBM"
    case true?: break
    }
    if Self.unitSize(published.unit) == nil { return "unit \(published.unit) is not a known rate" }
    return "the run has no latency"
  }

  private static func unitSize(_ unit: String) -> Double? {
    switch unit {
    case "TFLOP/s": 1e12
    case "GB/s": 1e9
    default: nil
    }
  }
}

extension ComparisonReport {
  /// The outcome of a comparison with published numbers, which may well be all dashes.
  package func referenceOutcome(
    hasPublishedNumbers: Bool, failAbovePercent: Double? = nil
  ) -> Outcome {
    if !hasPublishedNumbers { return .baselineMissing }
    let usual = outcome(failAbovePercent: failAbovePercent)
    guard usual == .done else { return usual }
    return rows.allSatisfy { $0.base == nil } ? .notComparable : .done
  }
}
