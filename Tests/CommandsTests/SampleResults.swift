import BenchmarkRunner
import Commands
import Foundation
import Hardware
import Results

/// A clean commit's hash, made up.
let cleanCommit = "0123456789abcdef0123456789abcdef01234567"

/// A small result of a product of 256 square matrices; every argument changes one part of it.
func sampleResult(
  workload: String = "kernel/alpha", device: String = "trn2", latency: Double = 12.5,
  commit: String = cleanCommit, shape: [String: String] = ["m": "256", "n": "256", "k": "256"],
  isChecked: Bool = true, isPassed: Bool = true, wallSeconds: [Double] = [1.5]
) -> RunResult {
  let percentages: [(StandardMetric, Double)] = [
    (.tensorEngineActive, 61.25), (.vectorEngineActive, 30), (.scalarEngineActive, 5),
    (.gpsimdEngineActive, 0), (.dmaActive, 44), (.modelFlopsUtilization, 3.2),
    (.modelBandwidthUtilization, 8.5),
  ]
  var metrics: [String: Metric] = [
    "latency_us": StandardMetric.latency.simulated(MetricValue(latency)),
    "throughput": StandardMetric.throughput.simulated(MetricValue(2.684e12), unit: "FLOP/s"),
    "instructions": StandardMetric.instructions.simulated(MetricValue(Int64(1_234))),
    "host_wall_seconds": StandardMetric.hostWall.host(samples: wallSeconds),
  ]
  for (name, value) in percentages { metrics[name.rawValue] = name.simulated(MetricValue(value)) }
  return RunResult(
    workload: workload, device: device, mode: .functional, seed: 0,
    source: SourceState(commit: commit, isDirty: false), started: "2025-01-02T03:04:05Z",
    host: ["cpu": "example"], metrics: metrics,
    work: WorkDescription(
      workloadVersion: "1", operation: "gemm", shape: shape, precision: "bf16",
      flops: 33_554_432, bytes: 393_216, hbmFootprintBytes: 393_216),
    numerics: NumericsReport(
      isChecked: isChecked, isPassed: isPassed, maximumRelativeError: 0.001, tolerance: 0.01,
      reference: "float64 interpreter"),
    model: ModelReport(instructions: 1_234, assumedConstants: ["limiter.phase"]), trace: nil)
}

/// Says for each workload what a run of it does, without a model.
struct ScriptedExecutor: WorkloadExecutor {
  /// What happens in a run.
  enum Act: Sendable {
    case result(RunResult, laws: [MeasuredLaw] = [], numerics: [String] = [])
    case failure(RunnerError)
    /// The user interrupts during this run, which then ends without a result.
    case interrupt(Interruption)
  }

  var acts: [String: Act]
  var file: URL?

  func execute(
    _ item: RunItem, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws -> FinishedRun {
    progress("running", 0.5)
    switch acts[item.name] {
    case .result(var result, let laws, let numerics)?:
      result.device = item.options.device.name
      return FinishedRun(result: result, file: file, numerics: numerics, laws: laws)
    case .failure(let error)?: throw error
    case .interrupt(let interruption)?:
      interruption.request()
      throw RunnerError.cancelled
    case nil: throw RunnerError.badInput("\(item.name) has no act")
    }
  }
}
