import Foundation
import Hardware
import InstructionSet
import NeuronCore
import WorkloadCatalog

/// One quantity that a micro-program measured.
package struct LawMeasurement: Hashable, Sendable {
  /// The micro-program.
  package var name: String
  /// What was measured: interval, duration, latency.
  package var quantity: String
  /// The model's value in nanoseconds.
  package var nanoseconds: Double
  /// What is published for the same, in nanoseconds, if anything is.
  package var published: ClosedRange<Double>?
  /// Where the published number comes from.
  package var source: String

  /// Distance from the nearest end of the published range, in percent of it.
  package var errorPercent: Double? {
    guard let published else { return nil }
    let nearest = min(max(nanoseconds, published.lowerBound), published.upperBound)
    return nearest == 0 ? nil : 100 * abs(nanoseconds - nearest) / nearest
  }
}

/// Turns the events of one micro-program's run into its measurements.
struct MicroMeasurement {
  private var rows: [Event] = []
  private var transfers: [Event] = []
  private let opcodes: [Opcode]
  private let segment: MicroSegment
  private let program: MicroProgram
  /// True on the device that what is published was measured on.
  private let hasPublished: Bool

  init(_ program: MicroProgram, _ segment: MicroSegment, on device: Device) {
    self.program = program
    hasPublished = device.name == PublishedLaw.device
    self.segment = segment
    opcodes = segment.segment.instructions.map(\.operation.opcode)
  }

  /// Keeps the events of the measured rows.
  mutating func add(track: Int, events: [Event]) {
    if track == EventRecorder.dmaTrack {
      transfers += events
    } else if let engine = segment.engine, track == Int(engine.rawValue) {
      rows += events.filter { opcodes[Int($0.programCounter)] == segment.opcode }
    }
  }

  /// Duration and interval in the steady part; for transfers first byte to last and the spacing.
  var measurements: [LawMeasurement] {
    let events = segment.engine == nil ? transfers : rows
    guard let first = events.first, let last = events.last else { return [] }
    var result = [measurement("first duration", Double(first.duration) / 1e3)]
    result.append(measurement("last duration", Double(last.duration) / 1e3))
    let step = segment.rowsPerRepetition
    if events.count > step {
      let previous = events[events.count - 1 - step]
      let end = last.start + last.duration
      let before = previous.start + previous.duration
      result.append(measurement("interval", Double(end - before) / 1e3))
    }
    return result
  }

  private func measurement(_ quantity: String, _ nanoseconds: Double) -> LawMeasurement {
    let law = hasPublished ? PublishedLaw.find(program, quantity) : nil
    return LawMeasurement(
      name: program.label, quantity: quantity, nanoseconds: nanoseconds, published: law?.range,
      source: law?.source ?? "")
  }
}
