import Results

/// Host seconds of one execution.
struct HostTiming {
  var seconds: Double
  var instructions: Int
  /// From the first instruction to the closed trace; nil where none was recorded.
  var traceSeconds: Double?

  /// The host metrics of several executions.
  static func metrics(_ timings: [HostTiming]) -> [String: Metric] {
    let seconds = timings.map { max($0.seconds, 1e-9) }
    let recorded = timings.compactMap(\.traceSeconds)
    let rates = timings.map { Double($0.instructions) / max($0.seconds, 1e-9) }
    var metrics = [
      StandardMetric.hostWall.rawValue: StandardMetric.hostWall.host(samples: seconds),
      StandardMetric.simulationSpeed.rawValue: StandardMetric.simulationSpeed.host(
        samples: rates),
      StandardMetric.hostPeak.rawValue: StandardMetric.hostPeak.host(
        samples: [Double(ProcessMemory.peakResidentBytes() ?? 0)]),
    ]
    if !recorded.isEmpty {
      metrics[StandardMetric.hostTrace.rawValue] = StandardMetric.hostTrace.host(samples: recorded)
    }
    return metrics
  }
}
