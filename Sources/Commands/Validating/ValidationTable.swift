import BenchmarkRunner
import TerminalUI
import WorkloadCatalog

/// The model beside published measurements, as tables and notes.
struct ValidationTable {
  let summary: CalibrationSummary

  /// What the letters of the ids stand for.
  static let legend =
    "AKI rows and AKS intervals of attention kernels on trn2, ANI rows and ANF lines of a matmul "
    + "sweep on inf2, DMA descriptors, DOC the vendor's documents, PN a bandwidth probe, CS kernels "
    + "of a course."

  /// One row for each origin and device.
  func groups() -> Table {
    var table = Table(columns: [
      .text("set", minimumWidth: nil), .text("device", minimumWidth: nil), Column("points"),
      Column("left_out", title: "left out"), Column("median_percent", title: "median"),
      Column("p90_percent", title: "p90"), Column("worst_percent", title: "worst"),
      .text("worst_id", title: "worst point", priority: 1, minimumWidth: nil),
    ])
    for group in summary.groups {
      table.append([
        .text(group.prefix), .text(group.device), .integer(Int64(group.points.count)),
        .integer(Int64(group.leftOut.count)), percent(group.median), percent(group.ninetieth),
        percent(group.errors.last), group.worst.map { .text($0.row.id) } ?? .missing,
      ])
    }
    return table
  }

  private func percent(_ value: Double?) -> Cell { value.map { .percent($0) } ?? .missing }

  /// One row for each measurement.
  func points() -> Table {
    var table = Table(columns: [
      .text("id", minimumWidth: nil), .text("device", priority: 1, minimumWidth: nil),
      .text("what", minimumWidth: 20), Column("measured"), Column("model"),
      .text("unit", minimumWidth: nil), Column("error_percent", title: "error"),
      .text("program", priority: 2, minimumWidth: 12),
    ])
    for point in summary.groups.flatMap(\.points) {
      let row = point.row
      table.append(
        [
          .text(row.id), .text(row.device), .text(row.what), .number(row.value),
          .number(point.modelled), .text(row.unit), .change(point.errorPercent),
          .text("\(row.program) \(row.size), \(row.quantity?.rawValue ?? "")"),
        ], paint: abs(point.errorPercent) > 15 ? .doubtful : nil)
    }
    return table
  }

  /// Totals, and what was left out by reason; `everyReason` also names the ids.
  func notes(everyReason: Bool) -> [String] {
    var lines: [String] = []
    if let mean = summary.meanPercent, let ninetieth = summary.ninetieth {
      let order =
        summary.kendallTau.map {
          ", order of times (Kendall's tau) \(ReaderNumber.significant($0))"
        }
        ?? ""
      lines.append(
        "\(summary.count) points: mean error \(ReaderNumber.percent(mean)), nine of ten within "
          + "\(ReaderNumber.percent(ninetieth))\(order)")
    }
    for (reason, rows) in reasons() {
      let ids = everyReason ? ": " + rows.map(\.id).joined(separator: " ") : ""
      lines.append("left out, \(reason): \(rows.count) \(rows.count == 1 ? "row" : "rows")\(ids)")
    }
    if summary.groups.contains(where: { $0.prefix == "CS" && !$0.points.isEmpty }) {
      lines.append(
        "CS assumes two tiles in flight, loads on one ring of one queue, stores on another")
    }
    return lines
  }

  private func reasons() -> [(String, [CalibrationRow])] {
    var result: [(String, [CalibrationRow])] = []
    for row in summary.groups.flatMap(\.leftOut) {
      let text = "\(row.prefix): \(row.leftOut ?? "")"
      if let index = result.firstIndex(where: { $0.0 == text }) {
        result[index].1.append(row)
      } else {
        result.append((text, [row]))
      }
    }
    return result
  }
}
