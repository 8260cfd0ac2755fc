import TerminalUI

/// What micro workloads measured beside what is published: every measurement of one workload, or
/// one line for each of several.
struct LawTable {
  /// So many measurements of several workloads are still shown one by one.
  private static let fewLaws = 8
  private let workloads: [(name: String, laws: [MeasuredLaw])]

  init(_ records: [RunRecord]) {
    workloads = records.compactMap { record in
      guard let laws = record.report?.laws, !laws.isEmpty else { return nil }
      return (record.item.name, laws)
    }
  }

  /// Nil when no run measured a law.
  func table() -> Table? {
    let all = workloads.flatMap(\.laws)
    if all.isEmpty { return nil }
    return workloads.count == 1 || all.count <= Self.fewLaws ? details(all) : overview()
  }

  private func details(_ laws: [MeasuredLaw]) -> Table {
    var table = Table(columns: [
      .text("program", minimumWidth: 28), .text("quantity", minimumWidth: nil),
      Column("model"), Column("published"), Column("error"),
      .text("source", priority: 1, minimumWidth: 16),
    ])
    for law in laws {
      table.append(
        [
          .text(law.name), .text(law.quantity), .seconds(law.nanoseconds * 1e-9),
          Self.published(law), law.errorPercent.map { .change($0) } ?? .missing,
          law.source.isEmpty ? .missing : .text(law.source),
        ], paint: law.errorPercent == 0 || law.errorPercent == nil ? nil : .doubtful)
    }
    return table
  }

  private func overview() -> Table {
    var table = Table(columns: [
      .text("workload", minimumWidth: 16), Column("measured"), Column("published"),
      Column("within_1_percent", title: "within 1 %"), Column("worst_percent", title: "worst"),
      .text("worst_program", title: "at", minimumWidth: 16),
    ])
    for (name, laws) in workloads {
      let compared = laws.compactMap { law in law.errorPercent.map { (law, $0) } }
      let worst = compared.max { $0.1.magnitude < $1.1.magnitude }
      table.append([
        .text(name), .integer(Int64(laws.count)), .integer(Int64(compared.count)),
        .integer(Int64(compared.count { $0.1.magnitude <= 1 })),
        worst.map { .change($0.1) } ?? .missing,
        worst.map { .text("\($0.0.name), \($0.0.quantity)") } ?? .missing,
      ])
    }
    table.footnotes = ["run a workload alone to see all of its measurements"]
    return table
  }

  /// `611 ns`, or `611 to 615 ns`.
  private static func published(_ law: MeasuredLaw) -> Cell {
    guard let range = law.published else { return .missing }
    if range.lowerBound == range.upperBound { return .seconds(range.lowerBound * 1e-9) }
    let low = ReaderNumber.significant(range.lowerBound)
    return .text("\(low) to \(ReaderNumber.significant(range.upperBound)) ns")
  }
}

extension MeasuredLaw {
  /// The distance from the published range in percent of its nearer end: 0 within it, nil where
  /// nothing is published.
  var errorPercent: Double? {
    guard let range = published else { return nil }
    let nearest = min(max(nanoseconds, range.lowerBound), range.upperBound)
    return nearest == 0 ? nil : 100 * (nanoseconds - nearest) / nearest
  }
}
