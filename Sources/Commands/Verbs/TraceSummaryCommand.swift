import ArgumentParser
import Foundation
import Results
import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// `trnbench trace summary`
struct TraceSummaryCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "summary",
    abstract: "Show where the time of a run went.",
    usage: "trnbench trace summary <file> [<options>]",
    discussion: """
      Groups the time by engine, kernel, opcode, layer, operator or node of the model, or stall (the \
      cause of standing still). \
      Groups are ordered by the time they lost on the critical path against the device's peaks; \
      together they lose at most what the range does. On the path, 'issue' is time that passes \
      between an engine's own instructions, which it takes in order, 'trigger' that between a \
      transfer and the instruction that asked for it, 'semaphore' and 'dma' that between an update \
      and who waited for it. \
      MFU, HFU and MBU are the vendor profiler's; JSON has its metrics by their names. A damaged or cut file is summed up as far as it can be read, with what is missing. \
      Of a folder, which a run on several cores leaves, all cores are shown together.

      EXAMPLES
        trnbench trace summary x.trntrace
        trnbench trace summary x.trntrace --by kernel --from 10us --to 25us
        trnbench trace summary x.trntrace --format json
        trnbench trace summary x.cores --by kernel
        trnbench trace summary long.trntrace --path

      EXIT CODES
        0  done    65  the file is damaged, also when a partial answer was printed
       64  a wrong option, or a file of a newer version    74  it cannot be read
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or the folder of several cores' traces.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  @Option(
    help: ArgumentHelp(
      "engine, kernel, opcode, layer, operator, node or stall. (default: engine)", valueName: "what"
    ),
    completion: .list(SummaryGrouping.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var by: SummaryGrouping = .engine

  @Option(
    help: ArgumentHelp("Begin here, such as 1.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var from: Picoseconds?

  @Option(help: ArgumentHelp("End here.", valueName: "time"), transform: { try TimeText.parse($0) })
  var to: Picoseconds?

  @Flag(help: "Follow the critical path however long the run is.")
  var path = false

  /// Prints the summary; damage is named on standard error too.
  func execute(_ context: CommandContext) throws -> Outcome {
    if let cores = try CoreTraces(context.environment.url(file), name: file) {
      return try summarise(cores, context)
    }
    let location = context.environment.url(file).path
    let text = SummaryText(
      width: context.terminal.width, isASCII: context.terminal.isASCII)
    let reader = try TraceReader(path: location)
    try TraceWindow.check(from, to, end: reader.summary.end)
    let summary = try TraceSummary(
      reader, from: from, to: to, cells: text.cells, tellsInvocations: by.needsInvocations,
      followsPath: true, followsLongPath: path)
    switch context.format {
    case .json:
      let grouping = by == .engine ? SummaryGrouping.opcode : by
      let document = try SummaryDocument(summary, by: grouping).json()
      try context.write(String(decoding: document, as: UTF8.self) + "\n")
    case .table:
      try context.write(text.lines(summary, by: by).map { $0 + "\n" }.joined())
      if !summary.stated.isEmpty {
        try context.write("\nthe profile's own summary, and the same from its rows\n")
        try context.show(StatedNumbersTable.table(summary.stated.filter { $0.ours != 0 }))
      }
    case .csv, .markdown: try context.show(SummaryTable.table(summary, by: by))
    }
    return try context.report(summary.damage, of: location)
  }

  /// The cores of a folder, one row each, or one for each group of each core.
  private func summarise(_ cores: CoreTraces, _ context: CommandContext) throws -> Outcome {
    try TraceWindow.check(from, to, end: try cores.end())
    var summaries: [(core: String, summary: TraceSummary)] = []
    for item in cores.items {
      let reader = try TraceReader(path: item.path)
      let summary = try TraceSummary(
        reader, from: from, to: to, cells: SummaryText(width: context.terminal.width).cells,
        tellsInvocations: by.needsInvocations,
        followsPath: by != .engine || context.format == .json,
        followsLongPath: path)
      summaries.append((item.core, summary))
    }
    if context.format == .json {
      let grouping = by == .engine ? SummaryGrouping.opcode : by
      let documents = try summaries.map { core, summary in
        let document = String(
          decoding: try SummaryDocument(summary, by: grouping).json(), as: UTF8.self)
        return "{\"core\": \"\(core)\", \"summary\": \(document)}"
      }
      let list = documents.joined(separator: ",\n")
      try context.write("{\"schema\": 1, \"cores\": [\n\(list)\n]}\n")
    } else {
      try context.show(SummaryTable.table(of: summaries, by: by))
    }
    let outcomes = try zip(cores.items, summaries).map { item, core in
      try context.report(core.summary.damage, of: item.path)
    }
    return Outcome.gravest(outcomes)
  }
}

/// A summary as one flat table, for spreadsheets and reports.
enum SummaryTable {
  static func table(_ summary: TraceSummary, by grouping: SummaryGrouping) -> Table {
    grouping == .engine ? engines(summary) : groups([("", summary)], grouping, named: false)
  }

  /// Cores side by side: how busy each of their engines was, or their groups one below the other.
  static func table(
    of cores: [(core: String, summary: TraceSummary)], by grouping: SummaryGrouping
  ) -> Table {
    guard grouping == .engine else { return groups(cores, grouping, named: true) }
    var columns = [
      Column.text("core", minimumWidth: nil), Column("duration_us", title: "duration"),
    ]
    columns += TrackID.engines.map { Column("\($0.name)_percent") }
    columns += [Column("dma_percent"), Column("instructions"), Column("bytes")]
    var table = Table(columns: columns)
    for (core, summary) in cores {
      let dma = summary.dmaEngines
      let whole = Double(summary.duration.value)
      let moving = dma.reduce(0) { $0 + Double($1.busy) } / Double(max(1, dma.count))
      var cells: [Cell] = [.text(core), .microseconds(whole / 1e6)]
      cells += summary.engines.map { .percent($0.percent($0.busy)) }
      cells += [
        .percent(whole > 0 ? 100 * moving / whole : 0),
        integer(summary.engines.sum(\.records)), bytes(dma.sum(\.bytes)),
      ]
      table.append(cells)
    }
    return table
  }

  private static func engines(_ summary: TraceSummary) -> Table {
    var columns = [Column.text("engine", minimumWidth: nil), Column("active_percent")]
    columns += StallCause.allCases.map { Column("\($0.key)_percent") }
    columns += [
      Column("idle_percent"), Column("missing_percent"), Column("records"), Column("bytes"),
    ]
    var table = Table(columns: columns)
    let used = summary.dmaEngines.filter(\.isUsed)
    for share in summary.engines + used {
      var cells: [Cell] = [.text(share.track.name), .percent(share.percent(share.busy))]
      cells += StallCause.allCases.map {
        .percent(share.percent(share.stall[Int($0.rawValue)]))
      }
      cells += [
        .percent(share.percent(share.idle)), .percent(share.percent(share.missing)),
        integer(share.records), bytes(share.bytes),
      ]
      table.append(cells)
    }
    return table
  }

  /// The groups of each core, with its name before them where there are several.
  private static func groups(
    _ cores: [(core: String, summary: TraceSummary)], _ grouping: SummaryGrouping, named: Bool
  ) -> Table {
    let names = named ? [Column.text("core", minimumWidth: nil)] : []
    guard grouping != .stall else { return stalls(cores, names) }
    var table = Table(
      columns: names + [
        .text(grouping.rawValue, minimumWidth: nil), Column("busy_us", title: "busy"),
        Column("stall_us", title: "stalled"), Column("dma_us", title: "dma"),
        Column("instructions"), Column("transfers"), Column("bytes"), Column("flops"),
        Column("path_us", title: "on path"), Column("bound_us", title: "bound"),
        Column("lost_us", title: "lost"),
      ])
    for (core, summary) in cores {
      for group in summary.groups(by: grouping) {
        table.append((named ? [.text(core)] : []) + cells(group))
      }
      table.footnotes += summary.notes.filter { !table.footnotes.contains($0) }
    }
    return table
  }

  /// Causes of standing still: nothing else is known by them.
  private static func stalls(
    _ cores: [(core: String, summary: TraceSummary)], _ names: [Column]
  ) -> Table {
    var table = Table(
      columns: names + [.text("stall", minimumWidth: nil), Column("stall_us", title: "stalled")])
    for (core, summary) in cores {
      for group in summary.groups(by: .stall) {
        table.append(
          names.map { _ in .text(core) } + [
            .text(group.name), .microseconds(Double(group.stall) / 1e6),
          ])
      }
    }
    return table
  }

  private static func cells(_ group: SummaryGroup) -> [Cell] {
    [
      .text(group.name), .microseconds(Double(group.busy) / 1e6),
      .microseconds(Double(group.stall) / 1e6), .microseconds(Double(group.dmaBusy) / 1e6),
      integer(group.instructions), integer(group.transfers), bytes(group.bytes),
      integer(group.flops), time(group.pathTime), time(group.bound), time(group.lost),
    ]
  }

  private static func integer(_ count: Int64?) -> Cell { count.map { .integer($0) } ?? .missing }

  private static func bytes(_ count: Int64?) -> Cell {
    count.map { .bytes(Double($0)) } ?? .missing
  }

  private static func time(_ picoseconds: Int64?) -> Cell {
    picoseconds.map { .microseconds(Double($0) / 1e6) } ?? .missing
  }
}
