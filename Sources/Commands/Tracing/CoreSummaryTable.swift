import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// Cores that ran side by side as one flat table: each of them, then all together.
struct CoreSummaryTable {
  private let summaries: CoreSummaries

  init(_ summaries: CoreSummaries) { self.summaries = summaries }

  /// How busy each core's engines were, or its groups one below the other.
  func table(_ grouping: SummaryGrouping) -> Table {
    guard grouping != .engine else { return overview }
    let parts = summaries.cores.map { ($0.core, $0.summary.groups(by: grouping)) }
    var table = SummaryTable.groups(
      parts + [("all", summaries.groups(by: grouping))], grouping, named: true)
    for (_, summary) in summaries.cores {
      table.footnotes += summary.notes.filter { !table.footnotes.contains($0) }
    }
    return table
  }

  private var overview: Table {
    var columns = [
      Column.text("core", minimumWidth: nil), Column("duration_us", title: "duration"),
    ]
    columns += TrackID.engines.map { Column("\($0.name)_percent", title: $0.name) }
    columns += [
      Column("dma_percent", title: "dma"), Column("instructions", priority: 2),
      Column("bytes", priority: 1), Column("mfu_percent", title: "MFU"),
      Column("meetings_us", title: "at meetings", priority: 1),
    ]
    var table = Table(columns: columns)
    for (core, summary) in summaries.cores {
      table.append(row(core, CoreSummaries([(core, summary)])))
    }
    table.append(row("all", summaries))
    return table
  }

  /// One core, or all of them, in shares of their time until the last is done.
  private func row(_ name: String, _ part: CoreSummaries) -> [Cell] {
    let busy = TrackID.engines.indices.map { index in part.busyPercent { [$0.engines[index]] } }
    let wait = part.sum(\.meetingWait) ?? 0
    return [.text(name), .microseconds(Double(part.duration) / 1e6)]
      + busy.map { .percent($0) } + [
        .percent(part.busyPercent(\.dmaEngines)),
        SummaryTable.integer(part.sum { $0.engines.sum(\.records) }),
        SummaryTable.bytes(part.sum { $0.dmaEngines.sum(\.bytes) }),
        part.utilization("mfu_estimated_percent").map { .percent(100 * $0) } ?? .missing,
        .microseconds(Double(wait) / 1e6),
      ]
  }
}
