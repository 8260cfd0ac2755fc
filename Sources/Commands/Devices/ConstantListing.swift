import Hardware
import TerminalUI

/// The constants of a device as tables.
struct ConstantListing {
  let device: Device
  let rows: [ConstantRow]

  /// The constants of one group, or all of them. Throws `badWord`.
  init(_ device: Device, group: String?) throws(CommandFailure) {
    self.device = device
    let all = device.constants()
    guard let group else {
      rows = all
      return
    }
    rows = all.filter { Self.group(of: $0) == group }
    if rows.isEmpty {
      let known = Self.groups(all)
      throw .badWord(
        option: "--group", found: group, nearest: closestMatch(group, in: known), known: known)
    }
  }

  private static func group(of row: ConstantRow) -> String {
    String(row.path.prefix { $0 != "." })
  }

  private static func groups(_ rows: [ConstantRow]) -> [String] {
    var names: [String] = []
    for row in rows where names.last != group(of: row) { names.append(group(of: row)) }
    return names
  }

  /// One line per constant; for machines every column.
  func table(withSources: Bool) -> Table {
    var columns = [
      Column.text("constant", minimumWidth: nil), Column("value", minimumWidth: 16),
      .text("unit", minimumWidth: nil), .text("confidence", minimumWidth: nil),
    ]
    if withSources {
      columns += [.text("range", minimumWidth: nil), .text("source", minimumWidth: nil)]
    }
    var table = Table(columns: columns)
    for row in rows {
      var cells: [Cell] = [
        .text(row.path), Self.cell(row.value), .text(row.unit.rawValue),
        .text(row.confidence.rawValue),
      ]
      if withSources {
        cells += [row.range.map { .text($0) } ?? .missing, .text(row.source)]
      }
      table.append(cells, paint: row.confidence == .assumed ? .doubtful : nil)
    }
    return table
  }

  /// Whole numbers are numbers for machines too; clock periods and lists stay texts.
  private static func cell(_ value: String) -> Cell {
    Int64(value).map { .integer($0) } ?? .text(value)
  }

  /// How many constants there are of each confidence.
  var summary: String {
    let counts = Confidence.allCases.map { confidence in
      "\(rows.count { $0.confidence == confidence }) \(confidence.rawValue)"
    }
    return "\(rows.count) constants: " + counts.joined(separator: ", ")
  }

  /// Each constant with its source below it, no line wider than `width`.
  func lines(width: Int, colour: Bool) -> [String] {
    var lines: [String] = []
    for row in rows {
      let range = row.range.map { ", \($0)" } ?? ""
      let head = "\(row.path)  \(row.value) \(row.unit.rawValue)"
      let heads = displayWidth(head) <= width ? [head] : wrapped(head, width: width)
      lines += heads.map { colour ? Paint.heading.apply($0) : $0 }
      let text = "\(row.confidence.rawValue)\(range): \(row.source)"
      lines += wrapped(text, width: width - 4).enumerated().map { index, line in
        index == 0 ? "    " + line : "    " + line.drop { $0 == " " }
      }
    }
    return lines
  }
}
