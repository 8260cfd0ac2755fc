/// Which way a metric improves.
package enum MetricDirection: String, Codable, Sendable, Hashable {
  case higher, lower, none
}

/// Where a metric comes from, and so how it may be compared.
package enum MetricKind: String, Codable, Sendable, Hashable {
  /// From the model: exact and repeatable, compared bit for bit.
  case simulated
  /// From the machine that ran the model: noisy, compared by its samples.
  case host
}

/// One metric of a run.
package struct Metric: Codable, Hashable, Sendable {
  /// The exact value, or the median of the samples.
  package var value: MetricValue
  /// The unit as people write it: `us`, `percent`, `bytes`, `tokens/s`.
  package var unit: String
  /// Which way it improves.
  package var better: MetricDirection
  /// Simulated and exact, or measured on the host.
  package var kind: MetricKind
  /// The single measurements of a host metric in the order they were taken, or the points of a
  /// simulated curve; empty for a single simulated value.
  package var samples: [MetricValue]

  /// An exact, repeatable metric of the model.
  package static func simulated(
    _ value: MetricValue, unit: String, better: MetricDirection
  ) -> Metric {
    Metric(value: value, unit: unit, better: better, kind: .simulated, samples: [])
  }

  /// A value that was reached along a curve, and the curve's points in their order; exact and
  /// repeatable like any metric of the model.
  package static func curve(
    _ points: [MetricValue], value: MetricValue, unit: String, _ better: MetricDirection
  ) -> Metric {
    Metric(value: value, unit: unit, better: better, kind: .simulated, samples: points)
  }

  /// A metric of the host: its value is the median of the samples, of which there is at least one.
  package static func host(
    samples: [Double], unit: String, better: MetricDirection
  ) -> Metric {
    precondition(!samples.isEmpty, "a host metric has samples")
    let value = MetricValue(median(of: samples))
    return Metric(
      value: value, unit: unit, better: better, kind: .host,
      samples: samples.map { MetricValue($0) })
  }

  /// The samples, or the value itself where only that was recorded.
  package var measurements: [Double] {
    samples.isEmpty ? [value.double] : samples.map(\.double)
  }
}

/// The middle value, or the mean of the two middle ones; `values` is not empty.
package func median(of values: [Double]) -> Double {
  precondition(!values.isEmpty, "a median of nothing")
  let sorted = values.sorted()
  let middle = sorted.count / 2
  if sorted.count % 2 == 1 { return sorted[middle] }
  return (sorted[middle - 1] + sorted[middle]) / 2
}

/// The metrics that every run carries, and `hostTrace`, that of a run of one core which records a
/// trace: names, units and directions that others rely on.
package enum StandardMetric: String, CaseIterable, Sendable {
  case latency = "latency_us"
  case throughput
  case tensorEngineActive = "tensor_engine_active_percent"
  case vectorEngineActive = "vector_engine_active_percent"
  case scalarEngineActive = "scalar_engine_active_percent"
  case gpsimdEngineActive = "gpsimd_engine_active_percent"
  case dmaActive = "dma_active_percent"
  case modelFlopsUtilization = "mfu_percent"
  case modelBandwidthUtilization = "mbu_percent"
  case hbmRead = "hbm_read_bytes"
  case hbmWrite = "hbm_write_bytes"
  case instructions
  case hostWall = "host_wall_seconds"
  case hostTrace = "host_trace_seconds"
  case hostPeak = "host_peak_bytes"
  case simulationSpeed = "simulated_instructions_per_second"

  /// The JSON key.
  package var name: String { rawValue }

  /// The unit; `throughput` takes its unit from the workload, so nil.
  package var unit: String? {
    switch self {
    case .throughput: nil
    case .latency: "us"
    case .hbmRead, .hbmWrite, .hostPeak: "bytes"
    case .instructions: "instructions"
    case .hostWall, .hostTrace: "s"
    case .simulationSpeed: "instructions/s"
    case .tensorEngineActive, .vectorEngineActive, .scalarEngineActive, .gpsimdEngineActive,
      .dmaActive, .modelFlopsUtilization, .modelBandwidthUtilization:
      "percent"
    }
  }

  /// Activity has no better direction by itself: a faster program may leave an engine idle.
  package var better: MetricDirection {
    switch self {
    case .throughput, .modelFlopsUtilization, .modelBandwidthUtilization, .simulationSpeed: .higher
    case .latency, .hbmRead, .hbmWrite, .instructions, .hostWall, .hostTrace, .hostPeak: .lower
    case .tensorEngineActive, .vectorEngineActive, .scalarEngineActive, .gpsimdEngineActive,
      .dmaActive:
      .none
    }
  }

  /// Whether the value repeats exactly.
  package var kind: MetricKind {
    switch self {
    case .hostWall, .hostTrace, .hostPeak, .simulationSpeed: .host
    default: .simulated
    }
  }

  /// This metric with an exact value; for simulated metrics with a unit of their own.
  package func simulated(_ value: MetricValue, unit: String? = nil) -> Metric {
    precondition(kind == .simulated, "\(rawValue) is measured on the host")
    return .simulated(value, unit: unit ?? self.unit ?? "items/s", better: better)
  }

  /// This metric with its measurements; for host metrics.
  package func host(samples: [Double]) -> Metric {
    precondition(kind == .host, "\(rawValue) is simulated")
    return .host(samples: samples, unit: unit ?? "", better: better)
  }
}
