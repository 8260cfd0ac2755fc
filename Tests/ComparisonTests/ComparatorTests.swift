import Comparison
import Foundation
import Results
import Testing

@Suite struct ComparatorTests {
  let comparator = Comparator()

  @Test func equalExactValuesAreTheSame() throws {
    let report = try comparator.compare(base: [sample()], new: [sample(commit: commitB)])
    #expect(report.rows.map(\.verdict) == [.same])
    #expect(report.rows[0].changePercent == 0)
    #expect(report.rows[0].how == .exact)
    #expect(report.outcome(failAbovePercent: 0, isStrict: true) == .done)
  }

  @Test func theSmallestDifferenceOfAnExactMetricIsSeen() throws {
    let new = sample(commit: commitB, latency: 1000.0.nextUp)
    let report = try comparator.compare(base: [sample()], new: [new])
    #expect(report.rows.map(\.verdict) == [.worse])
    #expect(report.outcome(failAbovePercent: 0) == .regression)
    #expect(report.outcome(failAbovePercent: 1) == .done)
    #expect(report.outcome() == .done, "without a gate nothing fails")
  }

  @Test func directionDecides() throws {
    func verdict(_ better: MetricDirection, _ base: Int64, _ new: Int64) throws -> Verdict {
      var (first, second) = (sample(), sample(commit: commitB))
      first.metrics = ["x": .simulated(MetricValue(base), unit: "u", better: better)]
      second.metrics = ["x": .simulated(MetricValue(new), unit: "u", better: better)]
      return try comparator.compare(base: [first], new: [second]).rows[0].verdict
    }
    #expect(try verdict(.higher, 1, 2) == .better)
    #expect(try verdict(.higher, 2, 1) == .worse)
    #expect(try verdict(.lower, 1, 2) == .worse)
    #expect(try verdict(.lower, 2, 1) == .better)
    #expect(try verdict(.none, 1, 2) == .unsure)
    #expect(try verdict(.none, 2, 2) == .same)
  }

  @Test func aChangeWithoutDirectionNeverFailsAGate() throws {
    var (first, second) = (sample(), sample(commit: commitB))
    let name = StandardMetric.dmaActive.name
    first.metrics = [name: StandardMetric.dmaActive.simulated(MetricValue(50.5))]
    second.metrics = [name: StandardMetric.dmaActive.simulated(MetricValue(90.5))]
    let report = try comparator.compare(base: [first], new: [second])
    #expect(report.outcome(failAbovePercent: 0, isStrict: true) == .done)
    #expect(report.rows[0].note != nil)
  }

  @Test func aRegressionFromZeroIsBeyondEveryGate() throws {
    let report = try comparator.compare(
      base: [sample(latency: 0)], new: [sample(commit: commitB, latency: 1)])
    #expect(report.rows[0].changePercent == nil)
    #expect(report.outcome(failAbovePercent: 1e9) == .regression)
  }

  @Test func theGateIsExclusive() throws {
    let report = try comparator.compare(
      base: [sample(latency: 100)], new: [sample(commit: commitB, latency: 105)])
    #expect(report.rows[0].changePercent == 5)
    #expect(report.outcome(failAbovePercent: 5) == .done)
    #expect(report.outcome(failAbovePercent: 4.9) == .regression)
    let better = try comparator.compare(
      base: [sample(latency: 105)], new: [sample(commit: commitB, latency: 100)])
    #expect(better.rows[0].verdict == .better)
    #expect(better.outcome(failAbovePercent: 0) == .done)
  }

  @Test func twoExactValuesUnderOneIdentityAreAnError() throws {
    for (base, new) in [
      ([sample()], [sample(latency: 1001)]), ([sample(), sample(latency: 1001)], [sample()]),
    ] {
      let error = #expect(throws: ResultsError.self) {
        try comparator.compare(base: base, new: new)
      }
      guard case .determinismViolation(_, "latency_us", _, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(error?.outcome.exitCode == 1)
    }
    let dirty = try comparator.compare(
      base: [sample(isDirty: true)], new: [sample(isDirty: true, latency: 1001)])
    #expect(dirty.rows.map(\.verdict) == [.worse])
  }

  @Test func otherShapesFormatsVersionsAndWrongValuesAreRefused() throws {
    let others = [
      sample(commit: commitB, shape: ["m": "1", "n": "2", "k": "3"]),
      sample(commit: commitB, precision: "fp8"), sample(commit: commitB, version: "2"),
      sample(commit: commitB, isPassed: false),
    ]
    for other in others {
      let report = try comparator.compare(base: [sample()], new: [other])
      #expect(report.rows.isEmpty)
      #expect(report.refusals.count == 1)
      #expect(report.outcome() == .notComparable)
    }
    let report = try comparator.compare(
      base: [sample("micro/a"), sample("micro/b", latency: 1)],
      new: [
        others[1], sample("micro/a", commit: commitB, precision: "fp8"),
        sample("micro/b", commit: commitB, latency: 2),
      ])
    #expect(report.outcome(failAbovePercent: 5) == .regression, "a regression comes first")
    #expect(report.outcome() == .notComparable)
  }

  @Test func missingBaselines() throws {
    let none = try comparator.compare(base: [], new: [sample()])
    #expect(none.outcome() == .baselineMissing)
    #expect(none.onlyInNew == ["micro/matmul"])
    let partly = try comparator.compare(
      base: [sample("micro/a"), sample("micro/gone")],
      new: [sample("micro/a", commit: commitB), sample("micro/b", commit: commitB)])
    #expect(partly.onlyInNew == ["micro/b"])
    #expect(partly.onlyInBase == ["micro/gone"])
    #expect(partly.outcome() == .done)
    #expect(partly.outcome(isStrict: true) == .baselineMissing)
  }

  @Test func devicesArePairedOnlyWhenEachSideHasOne() throws {
    let across = try comparator.compare(
      base: [sample(device: "trn2")], new: [sample(device: "trn3", latency: 500)])
    #expect(across.rows.map(\.verdict) == [.better])
    let mixed = try comparator.compare(
      base: [sample(device: "trn2"), sample(device: "trn3", latency: 500)],
      new: [sample(device: "trn2", commit: commitB), sample(device: "trn3", commit: commitB)])
    #expect(mixed.rows.map(\.workload) == ["micro/matmul trn2", "micro/matmul trn3"])
    #expect(mixed.rows.map(\.verdict) == [.same, .worse])
  }

  @Test func modesVariantsAndSeedsAreKeptApart() throws {
    let base = [sample(), sample(mode: .timing), sample(variant: "x"), sample(seed: 3)]
    let new = base.map { result in
      var copy = result
      copy.source.commit = commitB
      return copy
    }
    let report = try comparator.compare(base: base, new: new)
    #expect(report.rows.count == 4)
    #expect(Set(report.rows.map(\.workload)).count == 4)
  }

  @Test func onlyTheNamedMetrics() throws {
    let comparator = Comparator(metrics: ["host_wall_seconds"])
    let report = try comparator.compare(
      base: [sample(hostWall: [1])], new: [sample(commit: commitB, hostWall: [1])])
    #expect(report.rows.map(\.metric) == ["host_wall_seconds"])
  }

  @Test func theDocumentIsTheGolden() throws {
    let wall = [1.0, 1.01, 0.99, 1.02, 0.98]
    let report = try comparator.compare(
      base: [sample(hostWall: wall), sample("micro/gone"), sample("micro/v", version: "0")],
      new: [
        sample(commit: commitB, latency: 1010, hostWall: wall.map { $0 * 2 }),
        sample("micro/added", commit: commitB), sample("micro/v", commit: commitB),
      ])
    let data = try ResultDocument.encode(report)
    #expect(try goldenDifference(String(decoding: data, as: UTF8.self), "compare.json") == nil)
    let back = try ResultDocument.decode(ComparisonReport.self, data, path: "x")
    #expect(back == report)
  }
}

@Suite struct HostMetricTests {
  private func row(_ base: [Double], _ new: [Double]) throws -> ComparisonRow {
    let comparator = Comparator(metrics: ["host_wall_seconds"])
    let report = try comparator.compare(
      base: [sample(hostWall: base)], new: [sample(commit: commitB, hostWall: new)])
    return try #require(report.rows.first)
  }

  @Test func clearDifferencesHaveADirection() throws {
    let base = [1.00, 1.01, 1.02, 1.03, 1.04]
    #expect(try row(base, base.map { $0 + 0.2 }).verdict == .worse)
    #expect(try row(base, base.map { $0 - 0.2 }).verdict == .better)
    #expect(try row(base, base).verdict == .same)
    #expect(try row(base, base).how == .mannWhitney)
  }

  @Test func differencesBelowTheFloorAreTheSame() throws {
    let base = [1.0000, 1.0001, 1.0002, 1.0003, 1.0004]
    #expect(try row(base, base.map { $0 + 0.005 }).verdict == .same)
    #expect(try row(base, base.map { $0 + 0.02 }).verdict == .worse)
  }

  @Test func tooFewSamplesAreSaidAndCounted() throws {
    let few = try row([1, 1.1, 1.2], [2, 2.1, 2.2])
    #expect(few.verdict == .unsure)
    #expect(few.note == "needs n>=4, has 3 and 3")
    let report = ComparisonReport(rows: [few])
    #expect(report.outcome() == .done)
    #expect(report.outcome(failAbovePercent: 0) == .done)
    #expect(report.outcome(isStrict: true) == .inconclusive)
  }

  @Test func manyTestsInOneTableNeedMoreEvidence() throws {
    let names = (0..<12).map { "micro/w\($0)" }
    func all(_ commit: String, _ samples: [Double]) -> [RunResult] {
      names.map { sample($0, commit: commit, hostWall: samples) }
    }
    let report = try Comparator(metrics: ["host_wall_seconds"]).compare(
      base: all(commitA, [1, 1.1, 1.2, 1.3]), new: all(commitB, [2, 2.1, 2.2, 2.3]))
    #expect(report.rows.allSatisfy { $0.verdict == .unsure })
    #expect(report.rows[0].note == "needs n>=6, has 4 and 4")
  }

  /// 100 comparisons of equal distributions, 20 rows each: the exact rows never move, and at a
  /// table-wide level of 5 % about five tables hold a false host verdict; twelve would be far out.
  @Test func equalDistributionsStayTheSame() throws {
    var numbers = SeededNumbers(state: 11)
    var falseTables = 0
    for _ in 0..<100 {
      func all(_ commit: String) -> [RunResult] {
        (0..<20).map { index in
          let wall = (0..<8).map { _ in 1 + 0.2 * numbers.next() }
          return sample("micro/w\(index)", commit: commit, hostWall: wall)
        }
      }
      let report = try Comparator().compare(base: all(commitA), new: all(commitB))
      #expect(report.rows.filter { $0.how == .exact }.allSatisfy { $0.verdict == .same })
      let host = report.rows.filter { $0.how == .mannWhitney }
      #expect(host.count == 20)
      if host.contains(where: { $0.verdict == .worse || $0.verdict == .better }) {
        falseTables += 1
      }
    }
    #expect(falseTables <= 12)
  }
}
