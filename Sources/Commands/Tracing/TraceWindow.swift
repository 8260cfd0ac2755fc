import TraceAnalysis
import TraceFile
import Units

/// Records of a trace in memory, or the reason why not, for the reader.
enum TraceWindow {
  /// Refuses a range that holds nothing: one that ends where it begins or before, or begins where
  /// the run is over. `name` is the option for the range's end.
  static func check(
    _ from: Picoseconds?, _ to: Picoseconds?, end: Int64, _ name: String = "--to"
  ) throws(CommandFailure) {
    let length = "of the run, which ends at \(end) ps"
    if let from, from.value >= end, from > .zero {
      throw .badValue(
        option: "--from", found: "\(from.value) ps", expected: "a time before the end \(length)")
    }
    guard let to, to <= from ?? .zero else { return }
    throw .badValue(
      option: name, found: "\(to.value) ps",
      expected: "a time after --from, at most the end \(length)")
  }

  /// Refuses a range of which a window or a ring has recorded nothing.
  static func check(
    _ from: Picoseconds?, _ to: Picoseconds?, recordedIn reader: borrowing TraceReader
  ) throws(CommandFailure) {
    let recorded = TraceSummary.recorded(reader)
    guard recorded.isPart else { return }
    guard recorded.from < recorded.to else {
      throw .unsupported(
        what: "the trace holds no record: its window begins behind the run's end at "
          + "\(recorded.to) ps",
        advice: "record a window that lies in the run")
    }
    let stretch = "the trace holds \(recorded.from) to \(recorded.to) ps alone"
    if let from, from.value >= recorded.to {
      throw .badValue(option: "--from", found: "\(from.value) ps", expected: stretch)
    }
    if let to, to.value <= recorded.from {
      throw .badValue(option: "--to", found: "\(to.value) ps", expected: stretch)
    }
  }

  /// The records between two times, or all; `advice` says how to ask for fewer.
  static func load(
    _ reader: borrowing TraceReader, path: String, from: Picoseconds?, to: Picoseconds?,
    advice: String, knowsBefore: Bool = false
  ) throws -> EventWindow {
    guard reader.summary.hasEvents else {
      throw CommandFailure.unsupported(
        what: "\(path) holds samples, not events",
        advice: "record the run with --trace events")
    }
    let window = try EventWindow.load(
      reader, from: from?.value, to: to?.value, knowsBefore: knowsBefore)
    guard let window else {
      let count = reader.recordCount(from: from?.value, to: to?.value)
      throw CommandFailure.unsupported(
        what: "the range holds up to \(count) records, more than \(EventWindow.recordLimit)",
        advice: advice)
    }
    return window
  }
}
