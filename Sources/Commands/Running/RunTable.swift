import BenchmarkRunner
import Hardware
import Results
import TerminalUI

/// The table of finished runs.
struct RunTable {
  private let records: [RunRecord]
  private let references: ReferenceColumn
  private let namesDevices: Bool
  private let namesModes: Bool
  /// False for CSV, which carries the unit of the throughput too.
  private let isForPeople: Bool
  /// False where no row has anything to show in that column.
  private let showsReference: Bool

  init(_ records: [RunRecord], references: ReferenceColumn, isForPeople: Bool) {
    self.records = records
    self.isForPeople = isForPeople
    self.references = references
    namesDevices = Set(records.map(\.item.options.device.identity)).count > 1
    showsReference =
      !isForPeople
      || records.contains { $0.report.flatMap { references.percent($0.result) } != nil }
    namesModes = Set(records.compactMap { $0.report?.result.mode }).count > 1
  }

  /// The engines' columns by the vendor's short names.
  private static let engines: [(title: String, metric: StandardMetric)] = [
    ("PE", .tensorEngineActive), ("DVE", .vectorEngineActive), ("ACT", .scalarEngineActive),
    ("Pool", .gpsimdEngineActive), ("DMA", .dmaActive),
  ]

  /// One row for each run that has a result or failed.
  func table() -> Table {
    var columns = [Column.text("workload", minimumWidth: 24)]
    if namesDevices { columns.append(.text("device", minimumWidth: nil)) }
    if namesModes { columns.append(.text("mode", priority: 2, minimumWidth: nil)) }
    columns += [
      Column(StandardMetric.latency.name, title: "latency"), Column("throughput"),
      Column(StandardMetric.modelFlopsUtilization.name, title: "MFU"),
      Column(StandardMetric.modelBandwidthUtilization.name, title: "MBU", priority: 2),
    ]
    columns += Self.engines.map { Column($0.metric.name, title: $0.title, priority: 3) }
    columns.append(.text("numerics", minimumWidth: nil))
    if showsReference { columns.append(Column("reference_percent", title: "of H100")) }
    // People see the unit behind the number.
    if !isForPeople { columns.append(.text("throughput_unit")) }
    var table = Table(columns: columns)
    for record in records where record.result != nil {
      table.append(cells(record), paint: record.outcome == .done ? nil : .bad)
    }
    let results = records.compactMap { $0.report?.result }
    table.footnotes = chipNotes(results) + references.footnotes(results)
    return table
  }

  /// Rows that are of several cores, so that nobody multiplies them again.
  private func chipNotes(_ results: [RunResult]) -> [String] {
    results.compactMap { result in
      result.work.cores.map {
        "\(result.workload): \($0) cores of one \(result.device) chip together, with their "
          + "collectives; percentages are of all \($0)"
      }
    }
  }

  private func cells(_ record: RunRecord) -> [Cell] {
    let result = record.report?.result
    var cells: [Cell] = [.text(record.item.name)]
    if namesDevices { cells.append(.text(record.item.options.device.identity)) }
    if namesModes { cells.append(result.map { .text($0.mode.rawValue) } ?? .missing) }
    let shown: [StandardMetric] =
      [.latency, .throughput, .modelFlopsUtilization, .modelBandwidthUtilization]
      + Self.engines.map(\.metric)
    cells += shown.map { MetricCell.cell(result?.metric($0)) }
    cells.append(.text(verdict(record)))
    if showsReference {
      cells.append(result.flatMap { references.percent($0) }.map { .percent($0) } ?? .missing)
    }
    if !isForPeople {
      cells.append(result?.metric(.throughput).map { .text($0.unit) } ?? .missing)
    }
    return cells
  }

  private func verdict(_ record: RunRecord) -> String {
    guard let numerics = record.report?.result.numerics else { return "failed" }
    if !numerics.isChecked { return "unchecked" }
    return numerics.isPassed ? "passed" : "WRONG"
  }
}

extension RunRecord {
  /// The report of a run that has a result.
  var report: FinishedRun? {
    if case .success(let report)? = result { return report }
    return nil
  }

  /// Why a run has no result.
  var failure: (any Error)? {
    if case .failure(let error)? = result { return error }
    return nil
  }
}

/// Metrics as cells of tables.
enum MetricCell {
  /// The value with the unit that suits a reader; a dash where there is none.
  static func cell(_ metric: Metric?) -> Cell {
    metric.map { cell($0.value, unit: $0.unit) } ?? .missing
  }

  /// A value in a unit that results use.
  static func cell(_ value: MetricValue, unit: String) -> Cell {
    switch unit {
    case "us": return .microseconds(value.double)
    case "s": return .seconds(value.double)
    case "bytes": return .bytes(value.double)
    case "percent": return .percent(value.double)
    case "instructions":
      if case .integer(let count) = value { return .integer(count) }
      return .number(value.double)
    // Short enough for a column; machines get the value, and the unit beside it in full.
    case "instructions/s": return .count(value.double, unit: "instr/s")
    case "bytes/s": return .count(value.double, unit: "B/s")
    default: return .count(value.double, unit: unit)
    }
  }
}
