import Results

/// Host seconds of one execution.
struct HostTiming {
  var seconds: Double
  var instructions: Int

  /// The host metrics of several executions.
  static func metrics(_ timings: [HostTiming]) -> [String: Metric] {
    let seconds = timings.map { max($0.seconds, 1e-9) }
    let rates = timings.map { Double($0.instructions) / max($0.seconds, 1e-9) }
    return [
      StandardMetric.hostWall.rawValue: StandardMetric.hostWall.host(samples: seconds),
      StandardMetric.simulationSpeed.rawValue: StandardMetric.simulationSpeed.host(
        samples: rates),
      StandardMetric.hostPeak.rawValue: StandardMetric.hostPeak.host(
        samples: [Double(ProcessMemory.peakResidentBytes() ?? 0)]),
    ]
  }
}
