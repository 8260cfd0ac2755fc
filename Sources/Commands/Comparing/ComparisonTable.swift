import Comparison
import Results
import TerminalUI

/// A comparison as a table, and as lines below it.
struct ComparisonTable {
  let report: ComparisonReport
  /// True: every row. False: what moved, and the headline metric of each workload.
  let showsAll: Bool

  /// The rows that are shown.
  private var shown: [ComparisonRow] {
    report.rows.filter { row in
      showsAll || row.how.isReference || row.metric == StandardMetric.latency.name
        || row.verdict == .better || row.verdict == .worse
        || (row.how == .exact && row.base != row.new)
    }
  }

  /// One line per row that is shown.
  func table() -> Table {
    var table = Table(columns: [
      .text("workload", minimumWidth: 16), .text("metric", minimumWidth: 10),
      Column("base"), Column("new"), Column("change_percent", title: "change"),
      .text("verdict", minimumWidth: nil), .text("how", priority: 3, minimumWidth: nil),
      .text("note", priority: 2, minimumWidth: 12),
    ])
    for row in shown {
      table.append(
        [
          .text(row.workload), .text(row.metric), cell(row.base, row), cell(row.new, row),
          row.changePercent.map { .change($0) } ?? .missing, .text(row.verdict.rawValue),
          .text(row.how.rawValue), row.note.map { .text($0) } ?? .missing,
        ], paint: Self.paint(row))
    }
    return table
  }

  private func cell(_ value: MetricValue?, _ row: ComparisonRow) -> Cell {
    value.map { MetricCell.cell($0, unit: row.unit) } ?? .missing
  }

  private static func paint(_ row: ComparisonRow) -> Paint? {
    switch row.verdict {
    case .better: .good
    case .worse: .bad
    case .unsure: row.how.isReference ? .faint : .doubtful
    case .same: nil
    }
  }

  /// What the table leaves out, as sentences.
  func notes() -> [String] {
    var lines: [String] = []
    let hidden = report.rows.count - shown.count
    let doubtful = report.rows.count { $0.needsMoreSamples }
    if hidden > 0 {
      lines.append("\(counted(hidden, "row")) without a change not shown; --all shows them")
    }
    if doubtful > 0 {
      let rows = doubtful == 1 ? "1 host metric has" : "\(doubtful) host metrics have"
      let repeats = report.rows.map(\.samplesNeeded).max() ?? 0
      lines.append(
        "\(rows) too few samples for a verdict; run with --repeat \(repeats) on both sides")
    }
    lines += report.refusals.map { "not compared: \($0.workload): \($0.reason)" }
    lines += listed(report.onlyInNew, "only in new")
    lines += listed(report.onlyInBase, "only in base")
    return lines
  }

  private func listed(_ names: [String], _ title: String) -> [String] {
    names.isEmpty ? [] : ["\(title): " + names.joined(separator: ", ")]
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }
}
