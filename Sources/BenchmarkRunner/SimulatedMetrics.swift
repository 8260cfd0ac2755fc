package import Hardware
import NeuronCore
package import NumericFormats
import Results
import Units

/// What a run's totals say as the metrics that every result carries.
struct SimulatedMetrics {
  let device: Device
  let totals: NeuronCore.RunTotals
  /// Floating-point operations of the model, transposes and recomputation left out.
  let modelFlops: Int64
  /// What one execution counts for throughput, and its unit.
  let amount: (value: Double, unit: String)
  /// The format that the peak rate is taken for.
  let precision: NumberFormat
  /// Cores whose totals are added up.
  var coreCount = 1

  /// The run's time: the kernel envelope once, then the body.
  var latency: Picoseconds { device.envelope.fixedKernel.value + totals.duration }

  /// Metric by name.
  var metrics: [String: Metric] {
    var result: [String: Metric] = [:]
    func add(_ name: StandardMetric, _ value: Double, unit: String? = nil) {
      result[name.rawValue] = name.simulated(MetricValue(value), unit: unit)
    }
    func add(_ name: StandardMetric, _ value: Int64) {
      result[name.rawValue] = name.simulated(MetricValue(value))
    }
    let seconds = latency.seconds
    add(.latency, Double(latency.value) / 1e6)
    add(.throughput, amount.value / seconds, unit: amount.unit)
    for (name, engine) in [
      (StandardMetric.tensorEngineActive, Engine.tensor), (.vectorEngineActive, .vector),
      (.scalarEngineActive, .scalar), (.gpsimdEngineActive, .gpsimd),
    ] {
      add(name, percent(totals.active[Int(engine.rawValue)]))
    }
    add(.dmaActive, percent(totals.dmaActive))
    // A program that is no model's has nothing to use the peak for.
    if modelFlops > 0 {
      add(
        .modelFlopsUtilization,
        100 * Double(modelFlops)
          / (seconds * device.tensorPeak(for: precision) * Double(coreCount)))
    }
    let bytes = Double(totals.hbmReadBytes + totals.hbmWriteBytes)
    let bandwidth = Double(device.hbmBytesPerMicrosecondPerCore) * 1e6 * Double(coreCount)
    add(.modelBandwidthUtilization, 100 * bytes / (seconds * bandwidth))
    add(.hbmRead, totals.hbmReadBytes)
    add(.hbmWrite, totals.hbmWriteBytes)
    add(.instructions, Int64(totals.instructions))
    return result
  }

  private func percent(_ time: Picoseconds) -> Double {
    100 * Double(time.value) / (Double(max(1, latency.value)) * Double(coreCount))
  }
}

extension Device {
  /// Floating-point operations per second of one core's tensor engine in a format: the array times
  /// its clock, as the vendor profiler's peak (78.6 TFLOPS in bf16 on Trainium2); twice that in fp8
  /// where it has double rows (from NeuronCore-v3 on, all fp8 formats but e3m4), and as many times
  /// as a packed element has rows in microscaled formats, where it multiplies them.
  package func tensorPeak(for format: NumberFormat) -> Double {
    let clock = clocks.tensor.value
    let cycles = 1e12 * Double(clock.denominator) / Double(clock.numerator)
    let dense = 2 * Double(tensor.rows.value * tensor.columns.value) * cycles
    let cyclesPerRow =
      format == .float32
      ? tensor.cyclesPerRowFP32.value * Int64(tensor.passesFP32.value) : tensor.cyclesPerRow16.value
    let pairs: [NumberFormat] = [.float8e4m3, .float8e4m3fn, .float8e5m2]
    if format.isPacked { return dense * Double(max(1, tensor.quadRowRows.value)) }
    let rowsPerPass = pairs.contains(format) && generation >= 3 ? 2.0 : 1.0
    return dense * rowsPerPass / Double(cyclesPerRow)
  }
}
