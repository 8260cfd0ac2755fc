import TerminalUI
import TraceAnalysis
import Units

/// The difference of two runs of several cores: each core's, then all together.
struct CoreDifferenceTable {
  let differences: CoreDifferences
  /// Rows of each core at most.
  let limit: Int?

  /// The run, which ends with its last core, and each core of it.
  func head(names: (base: String, new: String)) -> [String] {
    func line(_ name: String, _ base: Int64, _ new: Int64) -> String {
      let times = [base, new].map { padded(DifferenceTable.time($0), to: 12, .right) }
      return padded(name, to: 8) + times.joined() + "  "
        + DifferenceTable.change(new - base, of: base)
    }
    let cores = differences.cores.map {
      line("core \($0.core)", $0.difference.base.duration.value, $0.difference.new.duration.value)
    }
    return ["base  \(names.base)", "new   \(names.new)"]
      + [line("run", differences.longest.base, differences.longest.new)] + cores
  }

  /// The line above the table.
  func title(_ grouping: DifferenceGrouping) -> String {
    DifferenceTable.title(grouping, hasPath: differences.path != nil)
  }

  /// The table of a grouping; the paths fall back to the engines where a core has none.
  func table(_ grouping: DifferenceGrouping) -> Table {
    guard grouping != .instruction else {
      var rows = DifferenceRows(instructionsUpTo: limit, isNamed: true)
      for (core, difference) in differences.cores {
        rows.append(difference.instructions, core: core)
      }
      return rows.table
    }
    var rows = DifferenceRows(limit: limit, isNamed: true)
    let path = grouping == .path ? differences.path : nil
    for (core, difference) in differences.cores {
      let own = path == nil ? difference.certainEngines : difference.path ?? []
      rows.append(own, hasTotal: path != nil, core: core)
    }
    rows.append(path ?? differences.certainEngines, hasTotal: path != nil, core: "all")
    return rows.table
  }
}
