import Foundation
import Results

/// A clean commit's hash, made up.
let cleanCommit = "0123456789abcdef0123456789abcdef01234567"

/// A small result; every argument changes one part of it.
func sampleResult(
  workload: String = "micro/matmul-bf16", device: String = "trn2", mode: RunMode = .functional,
  variant: String? = nil, seed: UInt64 = 0,
  source: SourceState = SourceState(commit: cleanCommit, isDirty: false),
  started: String = "2025-01-02T03:04:05Z", latency: MetricValue = MetricValue(812.5),
  precision: String? = "bf16"
) -> RunResult {
  RunResult(
    workload: workload, device: device, mode: mode, variant: variant, seed: seed, source: source,
    started: started, host: ["cores": "2", "cpu": "example"],
    metrics: [
      "latency_us": StandardMetric.latency.simulated(latency),
      "hbm_read_bytes": StandardMetric.hbmRead.simulated(MetricValue(Int64(67_108_864))),
      "host_wall_seconds": StandardMetric.hostWall.host(samples: [1.5, 1.25, 1.75]),
    ],
    work: WorkDescription(
      workloadVersion: "1", operation: "gemm", shape: ["m": "2048", "n": "2048", "k": "13312"],
      precision: precision, flops: 111_669_149_696, bytes: nil, hbmFootprintBytes: 117_440_512),
    numerics: NumericsReport(
      isChecked: true, isPassed: true, maximumRelativeError: 0.001, tolerance: 0.01,
      reference: "float64 interpreter"),
    model: ModelReport(instructions: 1234, assumedConstants: ["limiter.phase"]), trace: nil)
}

/// A new empty folder that the closure may fill; removed afterwards.
func withTemporaryFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("trnbench-tests-" + UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// Runs git in a folder and returns what it printed; nil when it failed or does not exist.
@discardableResult
func git(_ arguments: [String], in folder: URL) throws -> String? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
  process.arguments = ["git", "-C", folder.path] + identity + arguments
  process.standardError = FileHandle.nullDevice
  let output = Pipe()
  process.standardOutput = output
  try process.run()
  let data = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
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
