import TerminalUI
import TraceFile

/// What a profile states of itself beside what its rows add up to.
enum StatedNumbersTable {
  /// One row per number.
  static func table(_ numbers: [StatedNumber]) -> Table {
    var table = Table(columns: [
      .text("name", minimumWidth: 20), .text("unit", minimumWidth: nil),
      Column("stated", title: "report's own"), Column("ours", title: "from its rows"),
      Column("difference_percent", title: "difference"),
    ])
    for row in numbers {
      table.append([
        .text(row.name), .text(row.unit), row.stated.map { cell($0, row.unit) } ?? .missing,
        cell(row.ours, row.unit), row.differencePercent.map { .change($0) } ?? .missing,
      ])
    }
    return table
  }

  private static func cell(_ value: Double, _ unit: String) -> Cell {
    switch unit {
    case "s": .seconds(value)
    case "1": .percent(100 * value)
    case "flop/B": .number(value)
    default: Int64(exactly: value.rounded()).map { .integer($0) } ?? .number(value)
    }
  }
}
