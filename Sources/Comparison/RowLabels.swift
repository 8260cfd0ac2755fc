import Results

/// Names for the rows of one side: the workload, and what else it takes to tell two results apart.
struct RowLabels {
  private var results: [String: [RunResult]]

  init(_ results: some Sequence<RunResult>) {
    self.results = Dictionary(grouping: results, by: \.workload)
  }

  func label(_ result: RunResult) -> String {
    let others = results[result.workload] ?? []
    guard others.count > 1 else { return result.workload }
    var parts = [result.workload]
    if Set(others.map(\.device)).count > 1 { parts.append(result.device) }
    if Set(others.map(\.mode)).count > 1 { parts.append(result.mode.rawValue) }
    if Set(others.map(\.variant)).count > 1 { parts.append(result.variant ?? "standard") }
    if Set(others.map(\.seed)).count > 1 { parts.append("seed \(result.seed)") }
    return parts.joined(separator: " ")
  }
}
