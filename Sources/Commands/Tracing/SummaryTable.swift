import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// A summary as one flat table, for spreadsheets and reports.
enum SummaryTable {
  /// One trace: its engines, or its groups.
  static func table(_ summary: TraceSummary, by grouping: SummaryGrouping) -> Table {
    guard grouping != .engine else { return engines(summary) }
    var table = groups([("", summary.groups(by: grouping))], grouping, named: false)
    table.footnotes = summary.notes
    return table
  }

  private static func engines(_ summary: TraceSummary) -> Table {
    var columns = [Column.text("engine", minimumWidth: nil), Column("active_percent")]
    columns += StallCause.allCases.map { Column("\($0.key)_percent") }
    columns += [
      Column("idle_percent"), Column("missing_percent"), Column("records"), Column("bytes"),
    ]
    var table = Table(columns: columns)
    let used = summary.dmaEngines.filter(\.isUsed)
    for share in summary.engines + used {
      var cells: [Cell] = [.text(share.track.name), .percent(share.percent(share.busy))]
      cells += StallCause.allCases.map {
        .percent(share.percent(share.stall[Int($0.rawValue)]))
      }
      cells += [
        .percent(share.percent(share.idle)), .percent(share.percent(share.missing)),
        integer(share.records), bytes(share.bytes),
      ]
      table.append(cells)
    }
    return table
  }

  /// Parts of a run and what their groups are, with the name of the part before each where there
  /// are several.
  static func groups(
    _ parts: [(core: String, groups: [SummaryGroup])], _ grouping: SummaryGrouping, named: Bool
  ) -> Table {
    let names = named ? [Column.text("core", minimumWidth: nil)] : []
    guard grouping != .stall else { return stalls(parts, names) }
    var table = Table(
      columns: names + [
        .text(grouping.rawValue, minimumWidth: 16), Column("busy_us", title: "busy"),
        Column("stall_us", title: "stalled"), Column("dma_us", title: "dma"),
        Column("instructions", priority: 4), Column("transfers", priority: 5),
        Column("bytes", priority: 2), Column("flops", priority: 3),
        Column("path_us", title: "on path"), Column("bound_us", title: "bound", priority: 1),
        Column("lost_us", title: "lost"),
      ])
    for (core, groups) in parts {
      for group in groups { table.append((named ? [.text(core)] : []) + cells(group)) }
    }
    return table
  }

  /// Causes of standing still: nothing else is known by them.
  private static func stalls(
    _ parts: [(core: String, groups: [SummaryGroup])], _ names: [Column]
  ) -> Table {
    var table = Table(
      columns: names + [.text("stall", minimumWidth: nil), Column("stall_us", title: "stalled")])
    for (core, groups) in parts {
      for group in groups {
        table.append(
          names.map { _ in .text(core) } + [
            .text(group.name), .microseconds(Double(group.stall) / 1e6),
          ])
      }
    }
    return table
  }

  private static func cells(_ group: SummaryGroup) -> [Cell] {
    [
      .text(group.name), .microseconds(Double(group.busy) / 1e6),
      .microseconds(Double(group.stall) / 1e6), .microseconds(Double(group.dmaBusy) / 1e6),
      integer(group.instructions), integer(group.transfers), bytes(group.bytes),
      integer(group.flops), time(group.pathTime), time(group.bound), time(group.lost),
    ]
  }

  /// A count, or that nobody knows it.
  static func integer(_ count: Int64?) -> Cell { count.map { .integer($0) } ?? .missing }

  /// An amount of memory, or that nobody knows it.
  static func bytes(_ count: Int64?) -> Cell {
    count.map { .bytes(Double($0)) } ?? .missing
  }

  private static func time(_ picoseconds: Int64?) -> Cell {
    picoseconds.map { .microseconds(Double($0) / 1e6) } ?? .missing
  }
}
