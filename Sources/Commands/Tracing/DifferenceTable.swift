import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// Which table `trace diff` prints.
enum DifferenceGrouping: String, CaseIterable {
  case path, engine, instruction
}

/// The difference of two runs for people and for spreadsheets.
struct DifferenceTable {
  let difference: TraceDifference
  /// Rows at most; the rest is one row, so that the sum stays.
  let limit: Int?

  // MARK: Head

  /// The runs, the change, and the timelines one above the other.
  func head(
    width: Int, names: (base: String, new: String), isASCII: Bool = false
  ) -> [String] {
    let nameWidth = max(displayWidth(names.base), displayWidth(names.new))
    func line(_ word: String, _ name: String, _ summary: TraceSummary) -> String {
      let run = [TraceMetadata.Key.workload, TraceMetadata.Key.device]
        .compactMap { summary.metadata.entries[$0] }.joined(separator: " on ")
      return truncated(
        "\(word)  \(padded(name, to: nameWidth))  \(Self.time(summary.duration.value))  \(run)",
        to: width)
    }
    return [
      line("base", names.base, difference.base), line("new ", names.new, difference.new),
      "change  " + Self.change(difference.change, of: difference.base.duration.value),
    ] + strips(width, isASCII)
  }

  /// A change in time and in percent of the base.
  static func change(_ picoseconds: Int64, of base: Int64) -> String {
    let sign = picoseconds > 0 ? "+" : ""
    let text = picoseconds == 0 ? "=" : sign + time(picoseconds)
    guard base > 0 else { return text }
    return text + "  " + ReaderNumber.change(percent: 100 * Double(picoseconds) / Double(base))
  }

  /// A length of time as people read it.
  static func time(_ picoseconds: Int64) -> String {
    ReaderNumber.time(seconds: Double(picoseconds) * 1e-12)
  }

  /// Cells of a strip at that width.
  static func cells(width: Int) -> Int { max(20, width - 8 - 6 - 20) }

  private func strips(_ width: Int, _ isASCII: Bool) -> [String] {
    let cells = Self.cells(width: width)
    var lines = [
      "",
      padded("engine", to: 8) + padded("run", to: 6) + padded("timeline, one scale", to: cells)
        + padded("active", to: 10, .right) + padded("change", to: 10, .right),
    ]
    for track in 0..<TrackID.engineCount {
      let (before, after) = (difference.base.engines[track], difference.new.engines[track])
      guard before.busy > 0 || after.busy > 0 else { continue }
      let percents = (before.percent(before.busy), after.percent(after.busy))
      lines.append(
        padded(before.track.name, to: 8) + padded("base", to: 6)
          + padded(HeatStrip.draw(difference.base.strips[track], isASCII: isASCII), to: cells)
          + padded(ReaderNumber.percent(percents.0), to: 10, .right))
      let points = ReaderNumber.fixed(percents.1 - percents.0, digits: 1)
      lines.append(
        padded("", to: 8) + padded("new", to: 6)
          + padded(HeatStrip.draw(difference.new.strips[track], isASCII: isASCII), to: cells)
          + padded(ReaderNumber.percent(percents.1), to: 10, .right)
          + padded(points.hasPrefix("-") ? points : "+" + points, to: 10, .right))
    }
    return lines
  }

  // MARK: Tables

  /// The table of a grouping; the path falls back to the engines where there is none.
  func table(_ grouping: DifferenceGrouping) -> Table {
    switch grouping {
    case .path: difference.path.map { parts($0, hasTotal: true) } ?? engines
    case .engine: engines
    case .instruction: instructions
    }
  }

  /// The line above the table.
  func title(_ grouping: DifferenceGrouping) -> String {
    Self.title(grouping, hasPath: difference.path != nil)
  }

  /// The line above a table of one core or of several.
  static func title(_ grouping: DifferenceGrouping, hasPath: Bool) -> String {
    switch grouping {
    case .path where hasPath:
      "Where the critical path's time moved; the changes add up to the total:"
    case .path, .engine:
      "Where each engine's time moved; the changes of each engine add up to the total:"
    case .instruction: "Instructions that were added, removed and moved:"
    }
  }

  private var engines: Table { parts(difference.certainEngines, hasTotal: false) }

  private func parts(_ parts: [TraceDifference.Part], hasTotal: Bool) -> Table {
    var rows = DifferenceRows(limit: limit, isNamed: false)
    rows.append(parts, hasTotal: hasTotal, core: "")
    return rows.table
  }

  private var instructions: Table {
    var rows = DifferenceRows(instructionsUpTo: limit, isNamed: false)
    rows.append(difference.instructions, core: "")
    return rows.table
  }

  /// How many rows changed, in one line.
  var instructionLine: String {
    let counts = InstructionDifference.Change.allCases.map {
      "\(difference.instructions.rows($0)) \($0.rawValue)"
    }
    return "Instructions of the program: " + counts.joined(separator: ", ")
      + ", \(difference.instructions.sameRows) as before"
      + (difference.instructions.groups.isEmpty ? "" : "; --by instruction lists them")
  }

}
