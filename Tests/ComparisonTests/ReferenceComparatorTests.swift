import Comparison
import Results
import Testing

@Suite struct ReferenceComparatorTests {
  /// Eight cores that share 96 GiB.
  let comparator = ReferenceComparator(chip: ChipCapacity(cores: 8, hbmBytes: 96 << 30))

  private func published(
    value: Double = 794.5, precisions: [String] = ["bf16"], unit: String = "TFLOP/s",
    work: Double = 111_669_149_696
  ) -> PublishedNumber {
    PublishedNumber(
      id: "G1308", device: "H100-SXM", operation: "gemm",
      shape: ["m": "2048", "n": "2048", "k": "13312"], precisions: precisions, value: value,
      unit: unit, work: work, software: "PyTorch matmul", source: "a table", notes: "", trust: "C")
  }

  /// 8 x 111.669149696 GFLOP in 1000 us are 893.353197568 TFLOP/s.
  @Test func ourSideIsEightTimesOneCore() throws {
    let report = comparator.compare([sample(latency: 1000)], with: [published()])
    let row = try #require(report.rows.first)
    let ours = try #require(row.new?.double)
    #expect(abs(ours - 893.353197568) < 1e-9)
    #expect(row.base?.double == 794.5)
    #expect(row.verdict == .better)
    #expect(row.how == .published)
    #expect(row.note == "8 x one core, no collectives; H100-SXM, PyTorch matmul, G1308")
  }

  /// Eight cores that worked together are one chip; two are a quarter of it.
  @Test func coresThatWorkedTogetherCountOnce() throws {
    for (cores, copies, label) in [
      (8, 1, "8 cores with their collectives"), (2, 4, "4 x 2 cores with their collectives"),
    ] {
      var result = sample(latency: 1000)
      result.work.cores = cores
      let row = comparator.compare([result], with: [published()]).rows[0]
      let ours = try #require(row.new?.double)
      #expect(abs(ours - Double(copies) * 893.353197568 / 8) < 1e-9)
      #expect(row.note?.hasPrefix("\(label); ") == true)
    }
    var large = sample(latency: 1000)
    large.work.cores = 8
    large.work.hbmFootprintBytes = 90 << 30
    #expect(comparator.compare([large], with: [published()]).rows[0].new != nil)
  }

  @Test func aMeasurementIsCalledOne() {
    var number = published()
    number.isMeasured = true
    let row = comparator.compare([sample(latency: 1000)], with: [number]).rows[0]
    #expect(row.how == .measured && row.how.isReference)
  }

  @Test func bandwidthIsCountedInBytes() throws {
    let row = comparator.compare(
      [sample(latency: 1000)], with: [published(value: 2000, unit: "GB/s", work: 1e9)]
    ).rows[0]
    #expect(abs(try #require(row.new?.double) - 8000) < 1e-9)
  }

  @Test func theBandAroundAPublishedNumberIsTheSame() {
    func verdict(_ latency: Double) -> Verdict {
      comparator.compare([sample(latency: latency)], with: [published()]).rows[0].verdict
    }
    let equal = 1000 * 893.353197568 / 794.5
    #expect(verdict(equal) == .same)
    #expect(verdict(equal * 1.09) == .same)
    #expect(verdict(equal * 1.2) == .worse)
    #expect(verdict(equal / 1.2) == .better)
  }

  @Test func anotherShapeFormatOrOperationIsADash() {
    let others = [
      sample(shape: ["m": "2048", "n": "2048", "k": "13311"]), sample(precision: "fp8"),
      sample(operation: "convolution"), sample(operation: nil),
      sample(shape: ["m": "2048", "n": "2048", "k": "13312", "batch": "1"]),
    ]
    for other in others {
      let report = comparator.compare([other], with: [published()])
      #expect(report.rows.map(\.base) == [nil])
      #expect(report.rows.map(\.new) == [nil])
      #expect(report.referenceOutcome(hasPublishedNumbers: true) == .notComparable)
    }
    let either = comparator.compare(
      [sample(precision: "fp16")], with: [published(precisions: ["fp16", "bf16"])])
    #expect(either.rows[0].new != nil)
  }

  @Test func copiesThatDoNotFitAreADash() {
    let limit = Int64(12) << 30
    func note(_ footprint: Int64?) -> String? {
      let report = comparator.compare([sample(footprint: footprint)], with: [published()])
      return report.rows[0].new == nil ? report.rows[0].note : nil
    }
    #expect(note(limit) == nil)
    #expect(note(limit + 1)?.hasPrefix("8 copies do not fit") == true)
    #expect(note(nil)?.hasPrefix("the size in HBM was not recorded") == true)
  }

  @Test func outcomes() {
    let good = comparator.compare([sample()], with: [published()])
    #expect(good.referenceOutcome(hasPublishedNumbers: true) == .done)
    let mixed = comparator.compare(
      [sample(), sample("micro/other", operation: "softmax")], with: [published()])
    #expect(mixed.referenceOutcome(hasPublishedNumbers: true) == .done)
    let slow = comparator.compare([sample(latency: 9000)], with: [published()])
    #expect(
      slow.referenceOutcome(hasPublishedNumbers: true, failAbovePercent: 50) == .regression)
    let wrong = comparator.compare([sample(isPassed: false)], with: [published()])
    #expect(wrong.referenceOutcome(hasPublishedNumbers: true) == .notComparable)
    let none = comparator.compare([sample()], with: [])
    #expect(none.referenceOutcome(hasPublishedNumbers: false) == .baselineMissing)
  }
}
