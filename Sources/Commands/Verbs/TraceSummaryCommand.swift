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
      Of a folder, which a run on several cores leaves, all cores are shown together, with what is \
      unbalanced and how long engines wait where cores meet, and then each by itself; --core \
      shows one of them alone.

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

  @Option(help: ArgumentHelp("The core whose trace of a folder is meant.", valueName: "n"))
  var core: Int?

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
    let url = context.environment.url(file)
    if core == nil, let cores = try CoreTraces(url, name: file) {
      return try summarise(cores, context)
    }
    let location = try CoreTraces.path(url, name: file, core: core)
    let text = SummaryText(
      width: context.terminal.width, isASCII: context.terminal.isASCII)
    let reader = try TraceReader(path: location)
    try TraceWindow.check(from, to, end: reader.summary.end)
    try TraceWindow.check(from, to, recordedIn: reader)
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

  /// The cores of a folder: an overview and what a summary of each says, or the groups of each.
  private func summarise(_ cores: CoreTraces, _ context: CommandContext) throws -> Outcome {
    try TraceWindow.check(from, to, end: try cores.end())
    let text = SummaryText(width: context.terminal.width, isASCII: context.terminal.isASCII)
    let isWhole = by != .engine || context.format == .json || context.format == .table
    var found: [(core: String, summary: TraceSummary)] = []
    for item in cores.items {
      let reader = try TraceReader(path: item.path)
      let summary = try TraceSummary(
        reader, from: from, to: to, cells: text.cells, tellsInvocations: by.needsInvocations,
        followsPath: isWhole, followsLongPath: path)
      found.append((item.core, summary))
    }
    let summaries = CoreSummaries(found)
    if context.format == .json {
      let grouping = by == .engine ? SummaryGrouping.opcode : by
      let document = try CoreSummariesDocument(summaries, by: grouping).json()
      try context.write(String(decoding: document, as: UTF8.self) + "\n")
    } else {
      try context.show(CoreSummaryTable(summaries).table(by))
      if by == .engine { try context.note(remarks: summaries.remarks) }
      if by == .engine, context.format == .table {
        for (core, summary) in found {
          let lines = ["", "core \(core)"] + text.lines(summary, by: by)
          try context.write(lines.map { $0 + "\n" }.joined())
        }
      }
    }
    let outcomes = try zip(cores.items, found).map { item, core in
      try context.report(core.summary.damage, of: item.path)
    }
    return Outcome.gravest(outcomes)
  }
}

extension CommandContext {
  /// Sentences below a table.
  fileprivate func note(remarks: [String]) throws(CommandFailure) {
    for remark in [""] + remarks { try note(remark) }
  }
}
