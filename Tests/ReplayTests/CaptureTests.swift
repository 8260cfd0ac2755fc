import Foundation
import Hardware
import ProfileImport
import Replay
import Testing

/// Where real reports lie.
enum Captures {
  static let folder = ProcessInfo.processInfo.environment["CAPTURES"]

  static var files: [String] {
    guard let folder else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".json.gz") }.sorted()
      .map { folder + "/" + $0 }
  }
}

/// Real captures against the model. The project carries none: `CAPTURES=folder` names where reports
/// of the vendor's profiler lie, and without it these tests are skipped.
@Suite(
  .enabled(if: Captures.folder != nil, "CAPTURES names no folder of real profiler reports"),
  .serialized)
struct CaptureTests {
  private func isWithin(_ percent: Double?, _ bound: Double) -> Bool {
    percent.map { abs($0) <= bound } ?? true
  }

  /// Every row is in the trace, and its totals are those of the report's own summary.
  @Test(arguments: Captures.files) func importKeepsEverything(path: String) throws {
    let report = try ProfileReport(path: path)
    let file = NSTemporaryDirectory() + UUID().uuidString + ".trntrace"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let contents = try ProfileTrace(report).write(to: file, tool: "test")
    #expect(contents.instructions + contents.descriptors + contents.tableRows == contents.rows)
    for row in ProfileMeasures(report).compared(with: report) {
      let isExact = row.unit == "rows" || row.unit == "flop"
      let isMain = row.name.hasPrefix("tensor") || row.name.hasPrefix("vector")
      let bound: Double = isExact ? 0 : row.unit == "B" || isMain ? 1 : 3
      #expect(isWithin(row.differencePercent, bound), "\(row)")
    }
  }

  /// One set of constants for all captures of the attention kernels.
  @Test(arguments: Captures.files.filter { $0.contains("trn2-attention") }, [false, true])
  func replaysMeetTheirBounds(path: String, measured: Bool) throws {
    let report = try ProfileReport(path: path)
    let replay = try Replay(report, on: .trainium2, usesMeasuredTransfers: measured)
    #expect(replay.rebuilt.leftOut.isEmpty && replay.hasBarrier && replay.hasMeasuredPhase)
    #expect(isWithin(replay.total.errorPercent, measured ? 0.3 : 2), "\(replay.total)")
    for engine in Engine.allCases {
      let active = replay.active(engine)
      #expect(isWithin(active.errorPercent, 3), "\(engine.name) \(active)")
    }
    print(
      "CAPTURE", URL(fileURLWithPath: path).lastPathComponent,
      measured ? "measured DMA" : "model's DMA",
      "total", replay.total, replay.total.errorPercent ?? 0)
    // Rows of the array have two lengths, by the limiter's rate: where each is half of them, the
    // median is either.
    for row in replay.opcodes() where !isWithin(row.median.errorPercent, 3) {
      #expect(row.engine == .tensor && ["MATMUL", "LDWEIGHTS"].contains(row.opcode), "\(row)")
      print("CAPTURE   median", row.engine.name, row.opcode, row.count, row.median)
    }
  }
}
