import Foundation
import Results

let commitA = String(repeating: "a", count: 40)
let commitB = String(repeating: "b", count: 40)

/// A result of a GEMM; every argument changes one part of it.
func sample(
  _ workload: String = "micro/matmul", device: String = "trn2", commit: String = commitA,
  isDirty: Bool = false, started: String = "2025-01-01T00:00:00Z", mode: RunMode = .functional,
  variant: String? = nil, seed: UInt64 = 0, latency: Double = 1000, hostWall: [Double]? = nil,
  shape: [String: String] = ["m": "2048", "n": "2048", "k": "13312"], precision: String = "bf16",
  operation: String? = "gemm", version: String = "1", footprint: Int64? = 1 << 30,
  isPassed: Bool = true
) -> RunResult {
  var metrics = ["latency_us": StandardMetric.latency.simulated(MetricValue(latency))]
  if let hostWall { metrics["host_wall_seconds"] = StandardMetric.hostWall.host(samples: hostWall) }
  return RunResult(
    workload: workload, device: device, mode: mode, variant: variant, seed: seed,
    source: SourceState(commit: commit, isDirty: isDirty), started: started, metrics: metrics,
    work: WorkDescription(
      workloadVersion: version, operation: operation, shape: shape, precision: precision,
      hbmFootprintBytes: footprint),
    numerics: NumericsReport(
      isChecked: true, isPassed: isPassed, maximumRelativeError: 0, tolerance: 0.1,
      reference: "float64 interpreter"),
    model: ModelReport(instructions: 10))
}

/// Uniform numbers in 0..<1 from a seed: the tests repeat exactly.
struct SeededNumbers {
  var state: UInt64

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / 9_007_199_254_740_992
  }
}

/// Compares a text with a golden file beside the tests; `RECORD_SNAPSHOTS=1` rewrites it.
func goldenDifference(_ text: String, _ name: String, file: String = #filePath) throws -> String? {
  let url = URL(fileURLWithPath: file).deletingLastPathComponent()
    .appendingPathComponent("Goldens").appendingPathComponent(name)
  if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    return "recorded \(name); run again without RECORD_SNAPSHOTS"
  }
  let golden = try String(contentsOf: url, encoding: .utf8)
  return golden == text ? nil : "\(name) differs, now:\n\(text)"
}
