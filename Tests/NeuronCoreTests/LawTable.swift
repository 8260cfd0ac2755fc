import Testing

/// One numeric row of the published laws: what was observed on hardware and what the model gives.
struct LawRow {
  var name: String
  var observed: ClosedRange<Double>
  /// Confidence of the observation: C rows are averages of noisy quantities.
  var isNoisy = false
  var modelled: Double

  /// Largest distance allowed from the nearest end of the observed range: 2 % or 2 ns, and 15 %
  /// for noisy rows.
  var tolerance: Double {
    let nearest = min(max(modelled, observed.lowerBound), observed.upperBound)
    return max((isNoisy ? 0.15 : 0.02) * nearest, 2)
  }

  var error: Double {
    max(observed.lowerBound - modelled, modelled - observed.upperBound, 0)
  }
}

/// Checks every row and names those that fail.
func expectLaws(_ rows: [LawRow], sourceLocation: SourceLocation = #_sourceLocation) {
  for row in rows {
    #expect(
      row.error <= row.tolerance,
      "\(row.name): model \(row.modelled) ns, observed \(row.observed)",
      sourceLocation: sourceLocation)
  }
}
