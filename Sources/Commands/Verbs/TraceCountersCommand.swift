import ArgumentParser
import Foundation
import Results
import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// `trnbench trace counters`
struct TraceCountersCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "counters",
    abstract: "Count what memories, rings and semaphores were used for.",
    usage: "trnbench trace counters <file> [<options>]",
    discussion: """
      Bytes read from and written to SBUF, PSUM and HBM with their rates, and how much of a \
      partition the program occupies at most; transfers, bytes and bandwidth of each ring of the \
      DMA engines; changes of and waits for each semaphore; time that the tensor engine's activity \
      limiter cost. SBUF and PSUM are counted by the operands of the program in the trace. Needs a \
      trace of events. Of a folder, which a run on several cores leaves, each core is counted, and \
      their sums.

      EXAMPLES
        trnbench trace counters x.trntrace
        trnbench trace counters x.cores --of memories
        trnbench trace counters x.trntrace --of rings --from 10us --to 25us

      EXIT CODES
        0  done    65  the file is damaged, also when a partial answer was printed
       64  a wrong option, or a trace without events    74  it cannot be read
      """)

  /// What can be counted.
  enum Kind: String, CaseIterable, Encodable { case memories, rings, semaphores }

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or the folder of several cores' traces.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  @Option(
    help: ArgumentHelp("memories, rings or semaphores. (default: all)", valueName: "what"),
    completion: .list(Kind.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var of: Kind?

  @Option(
    help: ArgumentHelp("Begin here, such as 1.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var from: Picoseconds?

  @Option(help: ArgumentHelp("End here.", valueName: "time"), transform: { try TimeText.parse($0) })
  var to: Picoseconds?

  /// Prints the tables, or one document; damage is named on standard error too.
  func execute(_ context: CommandContext) throws -> Outcome {
    let url = context.environment.url(file)
    let folder = try CoreTraces(url, name: file)
    let end = try folder?.end() ?? TraceReader(path: url.path).summary.end
    try TraceWindow.check(from, to, end: end)
    var cores: [CoreCounters.Core] = []
    var outcomes: [Outcome] = []
    for item in folder?.items ?? [CoreTraces.Item(core: "", path: url.path)] {
      let reader = try TraceReader(path: item.path)
      let summary = try TraceSummary(reader, from: from, to: to)
      guard summary.basis == .events else {
        throw CommandFailure.unsupported(
          what: "\(folder == nil ? file : item.path) holds samples, which count nothing",
          advice: "record it with --trace events")
      }
      let counters = try CountersDocument(reader, summary, of: of)
      cores.append(CoreCounters.Core(core: item.core, counters: counters))
      outcomes.append(try context.report(reader.damage, of: item.path))
    }
    try show(folder == nil ? nil : CoreCounters(cores), cores[0].counters, context)
    return Outcome.gravest(outcomes)
  }

  private func show(
    _ cores: CoreCounters?, _ single: CountersDocument, _ context: CommandContext
  ) throws {
    guard context.format != .json else {
      let text = try cores.map { try CountersDocument.json($0) } ?? CountersDocument.json(single)
      return try context.write(text + "\n")
    }
    let tables = cores.map(CountersTable.init) ?? CountersTable(single)
    for kind in Kind.allCases where of == nil || of == kind {
      try context.show(tables.table(kind))
    }
    try context.note((cores?.total ?? single).remark)
  }
}
