import BenchmarkRunner
import Foundation
import Hardware
import Results
import Testing
import WorkloadCatalog

/// The model against published measurements: what each origin is held to.
@Suite struct CalibrationTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "Workloads/calibration")

  /// Every group of the shipped files, each measurement run on the model.
  private static let groups: [CalibrationGroup] = {
    guard let rows = try? CalibrationCatalog.rows(in: folder.path),
      let points = try? CalibrationRun(devices: Device.all).points(rows)
    else { return [] }
    return CalibrationSummary(rows: rows, points: points).groups
  }()

  private func group(_ prefix: String, _ device: String) throws -> CalibrationGroup {
    try #require(Self.groups.first { $0.prefix == prefix && $0.device == device })
  }

  private func points(_ prefix: String) -> [CalibrationPoint] {
    Self.groups.filter { $0.prefix == prefix }.flatMap(\.points)
  }

  @Test(arguments: [
    ("ANI", "inf2", 178, 5.0, 15.0), ("ANF", "inf2", 6, 5.0, 15.0), ("AKI", "trn2", 74, 5.0, 60.0),
    ("AKS", "trn2", 10, 5.0, 6.0), ("DMA", "trn2", 7, 5.0, 10.0), ("DMA", "inf2", 12, 5.0, 25.0),
  ])
  func mediansAndTails(
    prefix: String, device: String, count: Int, median: Double, ninetieth: Double
  ) throws {
    let group = try group(prefix, device)
    #expect(group.points.count == count)
    let (middle, tail) = (try #require(group.median), try #require(group.ninetieth))
    #expect(middle <= median && tail <= ninetieth, "median \(middle) %, p90 \(tail) %")
  }

  @Test func everyDocumentedTimeIsWithinFivePercent() {
    let points = points("DOC")
    #expect(points.count == 9)
    for point in points {
      #expect(abs(point.errorPercent) <= 5, "\(point.row.id): \(point.errorPercent) %")
    }
  }

  @Test func everySustainedRateIsWithinFivePercent() {
    let points = points("PN")
    #expect(points.count == 12)
    for point in points {
      #expect(abs(point.errorPercent) <= 5, "\(point.row.id): \(point.errorPercent) %")
    }
  }

  /// Rows that are not run say why, and none is forgotten.
  @Test func everyRowIsRunOrSaysWhyNot() throws {
    let rows = try CalibrationCatalog.rows(in: Self.folder.path)
    #expect(rows.count == Self.groups.reduce(0) { $0 + $1.points.count + $1.leftOut.count })
    for row in rows {
      #expect((row.leftOut == nil) != row.program.isEmpty, "\(row.id)")
      #expect(!row.what.isEmpty && !row.source.isEmpty && row.value > 0, "\(row.id)")
    }
  }

  /// A machine that is wrong is noticed: halving one engine's start-up moves its points.
  @Test func aWrongConstantShows() throws {
    let rows = try CalibrationCatalog.rows(in: Self.folder.path).filter { $0.prefix == "ANI" }
    var device = Device.inferentia2
    try device.set("scalar.startupCopyPSUMWarm", to: "2400", source: "test")
    let points = try CalibrationRun(devices: [device]).points(rows)
    let summary = CalibrationSummary(rows: rows, points: points)
    #expect(try #require(summary.ninetieth) > 15)
    #expect(try #require(summary.kendallTau) < 1)
  }

  @Test func programsThatMeanNothingAreNamed() throws {
    let text = """
      id,device,program,size,quantity,value,unit,low,high,count,left_out,what,source
      X-1,trn2,scalar fly sbuf,4,first,1,ns,,,,,w,s
      """
    let rows = try CalibrationCatalog.read(text, file: "x.csv")
    #expect {
      try CalibrationRun(devices: Device.all).points(rows)
    } throws: { "\($0)".contains("x.csv:2:1: program: 'scalar fly sbuf' means nothing") }
  }
}

@Suite struct UncertaintyTests {
  @Test func assumedConstantsThatMatterAreNamed() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Workloads").path
    let catalog = try WorkloadCatalog(root: root)
    var options = RunOptions(device: .trainium2)
    options.mode = .timing
    options.computesUncertainty = true
    options.output = FileManager.default.temporaryDirectory.appending(
      path: "trnbench-\(UUID().uuidString)")
    func model(_ name: String) throws -> (percent: Double, constants: [String]) {
      let report = try WorkloadRunner(options: options, catalog: catalog).run(
        try catalog.specification(named: name), progress: { _, _ in }, isCancelled: { false })
      let model = report.result.model
      return (try #require(model.uncertaintyPercent), model.assumedConstants)
    }
    // A transposed copy on the tensor engine depends on when the limiter's windows begin.
    let softmax = try model("kernel/softmax-4096")
    #expect(softmax.percent >= 0 && softmax.percent < 50)
    let product = try model("kernel/matmul-512-bf16")
    #expect(product.constants.contains("limiter.phase") && product.percent > 0)
    #expect(!product.constants.contains("gpsimd.gatherCyclesPerElement"))
    // A machine that is a guess throughout is less certain than the measured one.
    options.device = .trainium3
    #expect(try model("kernel/matmul-512-bf16").percent > product.percent)
  }
}
