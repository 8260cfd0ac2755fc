import BenchmarkRunner
import CoreState
import Hardware
import Lowering
import TerminalUI
import Units
import WorkloadCatalog

/// What `run --plan` prints: the invocations of each workload's program, none of them run.
struct PlanTable {
  private let name: String
  private let lowered: LoweredGraph
  private let report: LoweringReport
  private let coreCount: Int
  /// What of a model's file the program does not hold.
  private var notHeld: [String] = []

  /// The plan of a workload or model.
  ///
  /// Throws what the lowering throws, and `unsupported` for what is no graph.
  init(_ item: RunItem) throws {
    let device = item.options.device
    name = item.name
    switch item.work {
    case .workload(let workload, _):
      lowered = try LoweredWorkload.graph(workload, on: device)
      coreCount = workload.coreCount
    case .model(let source):
      coreCount = 1
      let model = try WorkloadRunner(options: item.options).lowered(model: source)
      lowered = model.program
      notHeld = CoverageLines(name: source.name, model.coverage).fileLines
    case .program, .chip:
      throw CommandFailure.unsupported(
        what: "\(item.name) is a program, which has no plan",
        advice: "'trnbench disasm' prints its instructions")
    }
    report = LoweringReport(lowered, on: device)
  }

  /// The rows of several plans, each with its workload's name.
  static func together(_ plans: [PlanTable]) -> Table {
    var tables = plans.map { ($0.name, $0.table()) }[...]
    guard let (name, first) = tables.popFirst() else { return Table(columns: []) }
    var together = Table(columns: [.text("workload", minimumWidth: nil)] + first.columns)
    for (name, table) in [(name, first)] + tables {
      for row in table.rows { together.append([.text(name)] + row) }
      together.footnotes += table.footnotes
    }
    return together
  }

  /// One row per invocation; equal ones that follow each other are one row.
  func table() -> Table {
    var table = Table(columns: [
      .text("operators", minimumWidth: 16), .text("kernel", minimumWidth: 24),
      Column("times"), Column("instructions", priority: 1), Column("transfers", priority: 4),
      Column("bytes"), Column("bound"), .text("limit", minimumWidth: nil),
      .text("tiles", priority: 2, minimumWidth: 20),
      Column("sbuf_bytes", title: "SBUF", priority: 3),
    ])
    for (step, count) in runs {
      table.append([
        .text(step.operators.isEmpty ? "(prepares)" : step.operators.joined(separator: "+")),
        .text(step.kernel), .integer(Int64(count)),
        .integer(Int64(step.instructions.reduce(0, +))), .integer(Int64(step.transfers)),
        .bytes(Double(step.bytes)), .seconds(step.bound.seconds), .text(step.limit),
        .text(tiles(step)), .bytes(Double(step.sbufBytes)),
      ])
    }
    table.footnotes = footnotes
    return table
  }

  /// Buffers and their bytes in each partition, the largest first: `weights 6x28 KiB, x 46 KiB`.
  private func tiles(_ step: PlannedStep) -> String {
    step.tiles.map { tile in
      let bytes = ReaderNumber.bytes(Double(tile.bytes))
      let place = tile.space == .psum ? " PSUM" : ""
      return "\(tile.name) \(tile.buffers > 1 ? "\(tile.buffers)x" : "")\(bytes)\(place)"
    }.joined(separator: ", ")
  }

  /// Equal invocations that follow each other, with their number.
  private var runs: [(PlannedStep, Int)] {
    var runs: [(PlannedStep, Int)] = []
    for step in report.steps {
      if let last = runs.last, last.0.segment == step.segment,
        last.0.operators == step.operators
      {
        runs[runs.count - 1].1 += 1
      } else {
        runs.append((step, 1))
      }
    }
    return runs
  }

  private var footnotes: [String] {
    let coverage = lowered.coverage
    var notes = [
      "\(name): \(report.steps.count) invocations of \(report.segmentCount) kernels, "
        + "\(report.instructions) instructions, \(ReaderNumber.bytes(Double(report.bytes))) to and "
        + "from HBM, at least \(ReaderNumber.time(seconds: report.bound.seconds)); tensors take "
        + "\(ReaderNumber.bytes(Double(report.footprintBytes)))",
      "\(coverage.operatorsOnDevice) of \(coverage.operators) operators run as instructions",
    ]
    if coreCount > 1 {
      notes.append("this is what each of \(coreCount) cores runs; the sums meet on the chip")
    }
    let reasons = Dictionary(grouping: coverage.elsewhere, by: \.reason)
    for reason in reasons.keys.sorted() {
      let nodes = (reasons[reason] ?? []).map { "\($0.operation) \($0.node)" }
      let shown = nodes.prefix(8).joined(separator: ", ")
      notes.append(
        "\(nodes.count) without: \(reason): \(shown)" + (nodes.count > 8 ? ", …" : ""))
    }
    return notes + notHeld
  }
}
