import Hardware
import TerminalUI

/// The constants in which two devices differ, as a table.
struct DeviceDifference {
  /// One row for each value that differs.
  let table: Table
  /// Constants that one of the two has.
  let count: Int

  init(base: Device, new: Device) {
    var table = Table(columns: [
      .text("constant", minimumWidth: nil), Column("base", title: base.name, minimumWidth: 10),
      Column("new", title: new.name, minimumWidth: 10), .text("unit", minimumWidth: nil),
      .text("confidence", priority: 1, minimumWidth: nil),
    ])
    let bases = base.constants()
    let news = new.constants()
    let values = Dictionary(uniqueKeysWithValues: bases.map { ($0.path, $0.value) })
    let known = Set(news.map(\.path))
    for row in news where values[row.path] != row.value {
      table.append([
        .text(row.path), values[row.path].map { .text($0) } ?? .missing, .text(row.value),
        .text(row.unit.rawValue), .text(row.confidence.rawValue),
      ])
    }
    for row in bases where !known.contains(row.path) {
      table.append([
        .text(row.path), .text(row.value), .missing, .text(row.unit.rawValue),
        .text(row.confidence.rawValue),
      ])
    }
    self.table = table
    count = known.union(values.keys).count
  }
}
