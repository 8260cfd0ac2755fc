import TraceAnalysis
import TraceFile
import Units

/// Records of a trace in memory, or the reason why not, for the reader.
enum TraceWindow {
  /// Refuses a range that ends before it begins; `end` is the name of the option for its end.
  static func checkOrder(
    _ from: Picoseconds?, _ to: Picoseconds?, _ end: String = "--to"
  ) throws(CommandFailure) {
    guard let from, let to, to < from else { return }
    throw .badValue(option: end, found: "an earlier time", expected: "a time after --from")
  }

  /// The records between two times, or all; `advice` says how to ask for fewer.
  static func load(
    _ reader: borrowing TraceReader, path: String, from: Picoseconds?, to: Picoseconds?,
    advice: String
  ) throws -> EventWindow {
    guard reader.summary.hasEvents else {
      throw CommandFailure.unsupported(
        what: "\(path) holds samples, not events",
        advice: "record the run with --trace events")
    }
    let window = try EventWindow.load(reader, from: from?.value, to: to?.value)
    guard let window else {
      let count = reader.recordCount(from: from?.value, to: to?.value)
      throw CommandFailure.unsupported(
        what: "the range holds up to \(count) records, more than \(EventWindow.recordLimit)",
        advice: advice)
    }
    return window
  }
}
