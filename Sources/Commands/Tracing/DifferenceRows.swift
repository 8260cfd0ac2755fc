import TerminalUI
import TraceAnalysis

/// The rows of a table of differences, of one core or of several.
struct DifferenceRows {
  private(set) var table: Table
  /// Rows of each core at most; the rest is one row, so that the sum stays.
  private let limit: Int?
  /// Whether the name of the core stands before each row.
  private let isNamed: Bool

  /// Parts of the time.
  init(limit: Int?, isNamed: Bool) {
    self.init(
      [
        .text("engine", minimumWidth: nil), .text("cause", minimumWidth: nil), .text("kernel"),
        Column("base_us", title: "base"), Column("new_us", title: "new"),
        Column("change_ps", title: "change"),
      ], limit, isNamed)
  }

  /// Instructions that changed.
  init(instructionsUpTo limit: Int?, isNamed: Bool) {
    self.init(
      [
        .text("change", minimumWidth: nil), .text("engine", minimumWidth: nil),
        .text("opcode", minimumWidth: 10), .text("kernel", priority: 2),
        .text("source", priority: 1), Column("rows"), Column("runs"),
        Column("time_us", title: "time"),
      ], limit, isNamed)
  }

  private init(_ columns: [Column], _ limit: Int?, _ isNamed: Bool) {
    table = Table(columns: (isNamed ? [.text("core", minimumWidth: nil)] : []) + columns)
    self.limit = limit
    self.isNamed = isNamed
  }

  private func name(_ core: String) -> [Cell] { isNamed ? [.text(core)] : [] }

  private func note(_ count: Int, _ core: String) -> String {
    (isNamed ? "core \(core): " : "") + "\(count) more; --top 0 shows all"
  }

  /// The parts that changed; with a total where they add up to something.
  mutating func append(_ parts: [TraceDifference.Part], hasTotal: Bool, core: String) {
    let changed = parts.filter { $0.change != 0 }
    let shown = limit.map { changed.prefix($0) } ?? changed[...]
    for part in shown {
      append([part.engine, part.cause, part.kernel], part.base, part.new, core)
    }
    let rest = hasTotal ? parts.filter { !shown.contains($0) } : Array(changed[shown.count...])
    func sum(_ list: [TraceDifference.Part]) -> (Int64, Int64) {
      list.reduce((0, 0)) { ($0.0 + $1.base, $0.1 + $1.new) }
    }
    if hasTotal, !rest.isEmpty {
      let (base, new) = sum(rest)
      append(["(\(rest.count) more)", "", ""], base, new, core)
    } else if !rest.isEmpty {
      table.footnotes.append(note(rest.count, core))
    }
    if hasTotal {
      let (base, new) = sum(parts)
      append(["total", "", ""], base, new, core)
    }
  }

  private mutating func append(_ names: [String], _ base: Int64, _ new: Int64, _ core: String) {
    let change = new - base
    table.append(
      name(core) + names.map { Cell.text($0) } + [
        .microseconds(Double(base) / 1e6), .microseconds(Double(new) / 1e6),
        .signedPicoseconds(change),
      ], paint: change < 0 ? .good : change > 0 ? .bad : nil)
  }

  /// What was added, removed and moved.
  mutating func append(_ instructions: InstructionDifference, core: String) {
    let groups = instructions.groups
    for group in limit.map({ groups.prefix($0) }) ?? groups[...] {
      table.append(
        name(core) + [
          .text(group.change.rawValue), .text(group.engine), .text(group.opcode),
          .text(group.kernel), .text(group.source), .integer(Int64(group.rows)),
          group.executions.map { .integer($0) } ?? .missing,
          .microseconds(Double(group.time) / 1e6),
        ])
    }
    if let limit, groups.count > limit {
      table.footnotes.append(note(groups.count - limit, core))
    }
  }
}
