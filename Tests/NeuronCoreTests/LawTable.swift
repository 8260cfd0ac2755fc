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

/// One row of the published micro-benchmarks and guides beside the captures: the captures win where
/// both say something, otherwise the model has to meet the row.
struct PublishedRow {
  /// Who decides, and why.
  enum Ruling {
    /// The captures are silent or agree: the model is held to the published value.
    case published
    /// The captures show another time for the same quantity: the model is held to them, and the
    /// published value lies `percent` beyond their nearest end (below it when negative).
    case overruled(by: ClosedRange<Double>, percent: ClosedRange<Double>, because: String)
  }

  var name: String
  var published: ClosedRange<Double>
  var modelled: Double
  var ruling = Ruling.published

  init(
    _ name: String, _ published: ClosedRange<Double>, _ modelled: Double,
    _ ruling: Ruling = .published
  ) {
    self.name = name
    self.published = published
    self.modelled = modelled
    self.ruling = ruling
  }

  init(_ name: String, _ published: Double, _ modelled: Double, _ ruling: Ruling = .published) {
    self.init(name, published...published, modelled, ruling)
  }
}

/// How far a range lies beyond another, in percent of the other's nearest end; 0 where they meet.
private func percent(_ range: ClosedRange<Double>, beyond other: ClosedRange<Double>) -> Double {
  if range.lowerBound > other.upperBound {
    return 100 * (range.lowerBound / other.upperBound - 1)
  }
  return range.upperBound < other.lowerBound ? 100 * (range.upperBound / other.lowerBound - 1) : 0
}

/// Checks every row: within 3 % of what is published or, where the captures overrule it, within
/// their tolerance; then the stated disagreement of the sources and the need of the ruling hold
/// too.
func expectPublished(_ rows: [PublishedRow], sourceLocation: SourceLocation = #_sourceLocation) {
  for row in rows {
    let error = percent(row.modelled...row.modelled, beyond: row.published)
    guard case .overruled(let captured, let difference, let reason) = row.ruling else {
      #expect(
        abs(error) <= 3, "\(row.name): model \(row.modelled), published \(row.published)",
        sourceLocation: sourceLocation)
      continue
    }
    let law = LawRow(name: row.name, observed: captured, modelled: row.modelled)
    #expect(
      law.error <= law.tolerance,
      "\(row.name): model \(row.modelled), captured \(captured) (\(reason))",
      sourceLocation: sourceLocation)
    let apart = percent(row.published, beyond: captured)
    #expect(
      difference.contains(apart),
      "\(row.name): published \(row.published) is \(apart) % beyond \(captured) (\(reason))",
      sourceLocation: sourceLocation)
    #expect(
      abs(error) > 3, "\(row.name): the model meets \(row.published), no ruling is needed",
      sourceLocation: sourceLocation)
  }
}
