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
  func head(width: Int, names: (base: String, new: String)) -> [String] {
    let nameWidth = max(displayWidth(names.base), displayWidth(names.new))
    func line(_ word: String, _ name: String, _ summary: TraceSummary) -> String {
      let run = [TraceMetadata.Key.workload, TraceMetadata.Key.device]
        .compactMap { summary.metadata.entries[$0] }.joined(separator: " on ")
      return truncated(
        "\(word)  \(padded(name, to: nameWidth))  \(time(summary.duration.value))  \(run)",
        to: width)
    }
    var change = "change  \(signed(difference.change))"
    if difference.base.duration > .zero {
      let percent = 100 * Double(difference.change) / Double(difference.base.duration.value)
      change += "  " + ReaderNumber.change(percent: percent)
    }
    return [
      line("base", names.base, difference.base), line("new ", names.new, difference.new), change,
    ] + strips(width)
  }

  /// Cells of a strip at that width.
  static func cells(width: Int) -> Int { max(20, width - 8 - 6 - 20) }

  private func strips(_ width: Int) -> [String] {
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
          + padded(HeatStrip.draw(difference.base.strips[track]), to: cells)
          + padded(ReaderNumber.percent(percents.0), to: 10, .right))
      let points = ReaderNumber.fixed(percents.1 - percents.0, digits: 1)
      lines.append(
        padded("", to: 8) + padded("new", to: 6)
          + padded(HeatStrip.draw(difference.new.strips[track]), to: cells)
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
    switch grouping {
    case .path where difference.path != nil:
      "Where the critical path's time moved; the changes add up to the total:"
    case .path, .engine:
      "Where each engine's time moved; the changes of each engine add up to the total:"
    case .instruction: "Instructions that were added, removed and moved:"
    }
  }

  private var engines: Table { parts(difference.engines, hasTotal: false) }

  private func parts(_ parts: [TraceDifference.Part], hasTotal: Bool) -> Table {
    var table = Table(columns: [
      .text("engine", minimumWidth: nil), .text("cause", minimumWidth: nil), .text("kernel"),
      Column("base_us", title: "base"), Column("new_us", title: "new"),
      Column("change_ps", title: "change"),
    ])
    let changed = parts.filter { $0.change != 0 }
    let shown = limit.map { changed.prefix($0) } ?? changed[...]
    func append(_ names: [String], _ base: Int64, _ new: Int64) {
      let change = new - base
      table.append(
        names.map { Cell.text($0) } + [
          .microseconds(Double(base) / 1e6), .microseconds(Double(new) / 1e6),
          .signedPicoseconds(change),
        ], paint: change < 0 ? .good : change > 0 ? .bad : nil)
    }
    for part in shown { append([part.engine, part.cause, part.kernel], part.base, part.new) }
    let rest = hasTotal ? parts.filter { !shown.contains($0) } : Array(changed[shown.count...])
    func sum(_ list: [TraceDifference.Part]) -> (Int64, Int64) {
      list.reduce((0, 0)) { ($0.0 + $1.base, $0.1 + $1.new) }
    }
    if hasTotal, !rest.isEmpty {
      let (base, new) = sum(rest)
      append(["(\(rest.count) more)", "", ""], base, new)
    } else if !rest.isEmpty {
      table.footnotes.append("\(rest.count) more; --top 0 shows all")
    }
    if hasTotal {
      let (base, new) = sum(parts)
      append(["total", "", ""], base, new)
    }
    return table
  }

  private var instructions: Table {
    var table = Table(columns: [
      .text("change", minimumWidth: nil), .text("engine", minimumWidth: nil),
      .text("opcode", minimumWidth: 10), .text("kernel", priority: 2), .text("source", priority: 1),
      Column("rows"), Column("runs"), Column("time_us", title: "time"),
    ])
    let groups = difference.instructions.groups
    for group in limit.map({ groups.prefix($0) }) ?? groups[...] {
      table.append([
        .text(group.change.rawValue), .text(group.engine), .text(group.opcode),
        .text(group.kernel), .text(group.source), .integer(Int64(group.rows)),
        .integer(group.executions), .microseconds(Double(group.time) / 1e6),
      ])
    }
    if let limit, groups.count > limit {
      table.footnotes.append("\(groups.count - limit) more; --top 0 shows all")
    }
    return table
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

  private func time(_ picoseconds: Int64) -> String {
    ReaderNumber.time(seconds: Double(picoseconds) * 1e-12)
  }

  private func signed(_ picoseconds: Int64) -> String {
    picoseconds == 0 ? "=" : (picoseconds > 0 ? "+" : "") + time(picoseconds)
  }
}
