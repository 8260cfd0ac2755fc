import TraceFile
import Units

/// One metric under the name and by the formula of the vendor's profiler.
///
/// Times are seconds; names that end in `percent` are fractions of 1, as in the vendor's files. A
/// metric whose inputs the trace does not hold is absent, not 0.
package struct VendorMetric: Codable, Equatable, Sendable {
  /// The vendor's name.
  package var name: String
  /// The value.
  package var value: Double
}

extension TraceSummary {
  /// The vendor's metrics that this trace can tell.
  package var vendorMetrics: [VendorMetric] {
    let facts = Work(self)
    var metrics: [VendorMetric] = []
    func add(_ name: String, _ value: Double?) {
      if let value, value.isFinite { metrics.append(VendorMetric(name: name, value: value)) }
    }
    let seconds = facts.seconds
    add("total_time", seconds)
    for share in engines {
      let name = "\(share.track.name)_engine"
      add("\(name)_active_time", Double(share.busy) * 1e-12)
      add("\(name)_active_time_percent", share.percent(share.busy) / 100)
      add("\(name)_instruction_count", share.records.map(Double.init))
    }
    add("matmul_instruction_count", facts.count("MATMUL"))
    add("activate_instruction_count", facts.count("ACTIVATE"))
    add("model_flops", facts.modelFlops)
    add("hardware_flops", facts.hardwareFlops)
    add("transpose_flops", facts.transposeFlops)
    add("hbm_read_bytes", facts.hbmRead)
    add("hbm_write_bytes", facts.hbmWrite)
    let (transfers, bytes) = (dmaEngines.sum(\.records), dmaEngines.sum(\.bytes))
    add("dma_transfer_count", transfers.map(Double.init))
    add("dma_transfer_total_bytes", bytes.map(Double.init))
    if let transfers, let bytes, transfers > 0 {
      add("dma_transfer_average_bytes", Double(bytes) / Double(transfers))
    }
    addUtilizations(facts, add)
    return metrics
  }

  /// What follows from the device's peaks.
  private func addUtilizations(_ facts: Work, _ add: (String, Double?) -> Void) {
    guard let peak = facts.peak, facts.seconds > 0 else { return }
    // Over time of which records are missing there are no rates.
    let isKnown = engines[0].missing == 0
    func share(_ flops: Double?) -> Double? {
      isKnown ? flops.map { $0 / (peak * facts.seconds) } : nil
    }
    let flops = facts.neededFlops
    add("mfu_estimated_percent", share(flops))
    add("mfu_inst_estimated_percent", share(facts.productFlops))
    add("hfu_estimated_percent", share(facts.hardwareFlops))
    guard let bandwidth = facts.bandwidth else { return }
    add("peak_flops_bandwidth_ratio", peak / bandwidth)
    guard let read = facts.hbmRead, let written = facts.hbmWrite,
      dmaEngines.allSatisfy({ $0.missing == 0 })
    else { return }
    let traffic = read + written
    add("mbu_estimated_percent", traffic / facts.seconds / bandwidth)
    guard traffic > 0, isKnown else { return }
    add("mm_arithmetic_intensity", facts.productFlops.map { $0 / traffic })
    // Work that memory does not bound reaches the peak and no more.
    add(
      "mfu_max_achievable_estimated_percent",
      flops.map { min(1, $0 / traffic / (peak / bandwidth)) })
  }

  /// A metric by its name.
  package func metric(_ name: String) -> Double? {
    vendorMetrics.first { $0.name == name }?.value
  }

  /// The shortest time in which a machine of this device's peaks could do that work, in
  /// picoseconds; nil where the trace does not know the peaks.
  func bound(flops: Int64, hbmBytes: Int64) -> Int64? {
    let work = Work(self)
    guard let peak = work.peak, let bandwidth = work.bandwidth, peak > 0, bandwidth > 0 else {
      return nil
    }
    let seconds = max(Double(flops) / peak, Double(hbmBytes) / bandwidth)
    return Int64((seconds * 1e12).rounded(.up))
  }

  /// What the rows of the range did in all; nil where samples alone tell of them.
  private struct Work {
    var seconds: Double
    var peak: Double?
    var bandwidth: Double?
    var modelFlops: Double?
    private(set) var hardwareFlops: Double?
    private(set) var transposeFlops: Double?
    private(set) var hbmRead: Double?
    private(set) var hbmWrite: Double?
    private var counts: [String: Int64] = [:]

    /// Operations of products, which is what the tensor engine does that is no transpose.
    var productFlops: Double? {
      guard let hardwareFlops, let transposeFlops else { return nil }
      return hardwareFlops - transposeFlops
    }

    /// Operations of products that the model needs. Its own count has those of elementwise work
    /// too, which the tensor engine's peak says nothing of: what products did is the most that
    /// counts.
    var neededFlops: Double? {
      guard let productFlops else { return nil }
      return min(modelFlops ?? productFlops, productFlops)
    }

    func count(_ opcode: String) -> Double? { counts[opcode].map(Double.init) }

    init(_ summary: TraceSummary) {
      typealias Key = TraceMetadata.Key
      let entries = summary.metadata.entries
      seconds = Double(summary.duration.value) * 1e-12
      peak = entries[Key.peakFlops].flatMap(Double.init)
      bandwidth = entries[Key.hbmBandwidth].flatMap(Double.init)
      // What the model needs is known of the whole run alone, and a killed run has no whole.
      let isWhole = summary.isWholeRun && summary.state != .killed
      modelFlops = isWhole ? entries[Key.modelFlops].flatMap(Double.init) : nil
      if summary.isCounted { count(summary) }
    }

    private mutating func count(_ summary: TraceSummary) {
      var (hardware, transposes, read, written) = (0.0, 0.0, 0.0, 0.0)
      for (index, total) in summary.rows.totals.enumerated() where total != RowTotal() {
        guard let row = summary.program[UInt32(index)] else { continue }
        let (runs, moves) = (Double(total.instructions), Double(total.transfers))
        counts[row.opcode, default: 0] += total.instructions
        hardware += runs * Double(row.flops)
        transposes += runs * Double(row.transposeFlops)
        read += moves * Double(row.hbmReadBytes)
        written += moves * Double(row.hbmWriteBytes)
      }
      (hardwareFlops, transposeFlops) = (hardware, transposes)
      (hbmRead, hbmWrite) = (read, written)
    }
  }
}
