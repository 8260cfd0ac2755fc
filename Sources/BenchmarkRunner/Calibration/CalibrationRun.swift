package import Hardware
import InstructionSet
import NeuronCore
import Units
package import WorkloadCatalog

/// One published measurement beside what the model gives for it.
package struct CalibrationPoint: Hashable, Sendable {
  /// The measurement.
  package var row: CalibrationRow
  /// The model's value in the row's unit.
  package var modelled: Double

  /// The model's error in percent of the measured value; negative when the model is too low.
  package var errorPercent: Double {
    row.value == 0 ? 0 : 100 * (modelled - row.value) / row.value
  }

  /// The measured value in microseconds; a rate as the time of a million bytes.
  package var measuredMicroseconds: Double { Self.microseconds(row.value, row.unit) }
  /// The model's value in microseconds, likewise.
  package var modelMicroseconds: Double { Self.microseconds(modelled, row.unit) }

  private static func microseconds(_ value: Double, _ unit: String) -> Double {
    switch unit {
    case "ns": value / 1e3
    case "ms": value * 1e3
    case "GB/s", "B/ns": value == 0 ? 0 : 1e3 / value
    default: value
    }
  }
}

/// Runs the programs of calibration rows on the model.
package struct CalibrationRun {
  private let devices: [String: Device]

  /// A run on the given devices; a variant stands in for the device that it extends. Rows of other
  /// devices are refused.
  package init(devices: [Device]) {
    self.devices = Dictionary(devices.map { ($0.baseName ?? $0.name, $0) }) { first, _ in first }
  }

  /// Every row that is not left out, in order; straight lines go through the rows given with them.
  /// Throws `RunnerError`.
  package func points(
    _ rows: [CalibrationRow], progress: (String, Double?) -> Void = { _, _ in },
    isCancelled: () -> Bool = { false }
  ) throws(RunnerError) -> [CalibrationPoint] {
    let wanted = rows.filter { $0.leftOut == nil }
    var points: [CalibrationPoint] = []
    for (index, row) in wanted.enumerated() where row.quantity != .fit {
      progress(row.id, Double(index) / Double(wanted.count))
      points.append(CalibrationPoint(row: row, modelled: try value(of: row, isCancelled)))
    }
    for row in wanted where row.quantity == .fit {
      points.append(CalibrationPoint(row: row, modelled: try line(row, points)))
    }
    let order = Dictionary(uniqueKeysWithValues: wanted.enumerated().map { ($1.id, $0) })
    return points.sorted { order[$0.row.id] ?? 0 < order[$1.row.id] ?? 0 }
  }

  private func value(of row: CalibrationRow, _ isCancelled: () -> Bool) throws(RunnerError)
    -> Double
  {
    guard let device = devices[row.device] else {
      throw .badInput("\(row.location): no device is named '\(row.device)'")
    }
    let program = try CalibrationProgram(row)
    let loaded = try GraphRun.load(program.program, device)
    let collector = EventCollector()
    var options = RunOptions(device: device)
    options.trace = .off
    // A word that is loaded into a register decides what runs: timing mode refuses it.
    let computes = program.opcode == .tensorLoad
    let run = try ProgramRun(
      loaded, computes: computes, options: options, collector: collector,
      isCancelled: isCancelled, prepare: { _ in })
    let measurement = CalibrationMeasurement(
      program: program, device: device, loaded: loaded, collector: collector)
    guard
      let nanoseconds = measurement.value(
        row.quantity ?? .first, duration: run.totals.duration)
    else { throw .badInput("\(row.location): '\(row.program)' has no such quantity") }
    return Self.inUnit(row.unit, nanoseconds)
  }

  private static func inUnit(_ unit: String, _ nanoseconds: Double) -> Double {
    switch unit {
    case "us": nanoseconds / 1e3
    case "ms": nanoseconds / 1e6
    default: nanoseconds
    }
  }

  /// The least-squares line through the durations of one program over all sizes, each weighted by
  /// its observations, at the row's size: what the published line was drawn through.
  private func line(_ row: CalibrationRow, _ points: [CalibrationPoint]) throws(RunnerError)
    -> Double
  {
    let program = String(row.program.dropFirst("fit ".count))
    let own = points.filter { $0.row.program == program && $0.row.device == row.device }
    guard own.count > 1 else {
      throw .badInput("\(row.location): no rows of '\(program)' to draw a line through")
    }
    var (weight, x, y, xx, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for point in own {
      let (count, size) = (Double(point.row.count), Double(point.row.size))
      weight += count
      x += count * size
      y += count * point.modelled
      xx += count * size * size
      xy += count * size * point.modelled
    }
    let slope = (weight * xy - x * y) / (weight * xx - x * x)
    return (y - slope * x) / weight + slope * Double(row.size)
  }
}

/// Reads quantities off the events of one program's run.
private struct CalibrationMeasurement {
  let device: Device
  let program: CalibrationProgram
  private var rows: [Event] = []
  private var transfers: [Event] = []

  init(
    program: CalibrationProgram, device: Device, loaded: LoadedProgram, collector: EventCollector
  ) {
    self.program = program
    self.device = device
    let opcodes = loaded.program.segments[0].instructions.map(\.operation.opcode)
    for (track, events) in collector.batches {
      if track == EventRecorder.dmaTrack {
        transfers += events
      } else if let engine = program.engine, track == Int(engine.rawValue) {
        rows += events.filter {
          program.opcode == nil || opcodes[Int($0.programCounter)] == program.opcode
        }
      }
    }
  }

  private func end(_ event: Event) -> Int64 { event.start + event.duration }

  /// The quantity in nanoseconds, bytes per nanosecond or gigabytes per second.
  func value(_ quantity: CalibrationQuantity, duration: Picoseconds) -> Double? {
    switch quantity {
    case .kernel: return (device.envelope.fixedKernel.value + duration).nanoseconds
    case .duration: return transferDuration(duration)
    case .descriptor: return descriptor()
    case .engineRate: return rate().map { $0 / Double(device.dma.enginesPerCore.value) }
    case .coreRate: return rate()
    case .twoCoreRate: return rate().map { 2 * $0 }
    default: return row(quantity).map { Double($0) / 1e3 }
    }
  }

  private func row(_ quantity: CalibrationQuantity) -> Int64? {
    guard let first = rows.first, let last = rows.last else { return nil }
    switch quantity {
    case .first: return quantityOfOne(first, last)
    case .last, .behind, .dependent: return last.duration
    case .burst: return median(rows.map(\.duration))
    case .interval: return rows.count > 1 ? end(last) - end(rows[rows.count - 2]) : nil
    case .halfInterval: return rows.count > 2 ? end(rows[2]) - end(rows[1]) : nil
    case .dispatch: return rows.count > 2 ? rows[2].start - rows[1].start : nil
    case .dispatchAfterCold: return rows.count > 1 ? rows[1].start - first.start : nil
    case .dependentInterval:
      return rows.count > 1 ? last.start - rows[rows.count - 2].start : nil
    default: return nil
    }
  }

  /// Control rows follow idle rows of their engine, so that the last of a kind counts.
  private func quantityOfOne(_ first: Event, _ last: Event) -> Int64 {
    program.opcode == .nop ? last.duration : first.duration
  }

  private func median(_ values: [Int64]) -> Int64 {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// One transfer's own time; of several, from the first byte to the last; after a signal, from
  /// the signal to the first byte.
  private func transferDuration(_ duration: Picoseconds) -> Double? {
    guard let first = transfers.first, let last = transfers.last else { return nil }
    if program.engine != nil, let signal = rows.first {
      return Double(first.start - end(signal)) / 1e3
    }
    return Double(end(last) - first.start) / 1e3
  }

  /// A lone descriptor's transfer without what its first row takes longer and without the write of
  /// the semaphore, which is a row of its own.
  private func descriptor() -> Double? {
    guard let first = transfers.first else { return nil }
    let law = device.dma
    let ends = law.firstExtraCycles.value + law.rowDurationExtraCycles.value + 1
    return Double(first.duration - device.clocks.dma.value.picoseconds(cycles: ends).value) / 1e3
  }

  /// Bytes per nanosecond over the later half of a stream.
  private func rate() -> Double? {
    let half = transfers.count / 2
    guard half > 0, let last = transfers.last else { return nil }
    let time = end(last) - end(transfers[half - 1])
    let bytes = program.transferBytes * (transfers.count - half)
    return time > 0 ? Double(bytes) * 1e3 / Double(time) : nil
  }
}
