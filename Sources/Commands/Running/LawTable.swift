import BenchmarkRunner
import TerminalUI

/// What micro workloads measured beside what is published.
enum LawTable {
  /// Nil when no run measured a law.
  static func table(_ records: [RunRecord]) -> Table? {
    var table = Table(columns: [
      .text("workload", priority: 3), .text("program", minimumWidth: 20),
      .text("quantity", minimumWidth: nil), Column("nanoseconds", title: "model"),
      Column("published_low_ns", title: "published"),
      Column("published_high_ns", title: "to"), .text("within", minimumWidth: nil),
      .text("source", priority: 2, minimumWidth: 16),
    ])
    for record in records {
      for law in record.report?.laws ?? [] {
        let isWithin = law.published.map { $0.contains(law.nanoseconds) }
        table.append(
          [
            .text(record.item.name), .text(law.name), .text(law.quantity),
            .seconds(law.nanoseconds * 1e-9),
            cell(law.published?.lowerBound), cell(law.published?.upperBound),
            isWithin.map { .flag($0) } ?? .missing, .text(law.source),
          ], paint: isWithin == false ? .doubtful : nil)
      }
    }
    return table.rows.isEmpty ? nil : table
  }

  private static func cell(_ nanoseconds: Double?) -> Cell {
    nanoseconds.map { .seconds($0 * 1e-9) } ?? .missing
  }
}
