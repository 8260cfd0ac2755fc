import ArgumentParser
import Foundation
import Hardware
import Results
import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// `trnbench trace explain`
struct TraceExplainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show the chain of causes behind a gap of an engine.",
    usage: """
      trnbench trace explain <file> --at <time> --engine <name> [<options>]
      trnbench trace explain <file> --what-if <change> ... [<options>]
      """,
    discussion: """
      Starts at what the engine did next and goes back: who updated the semaphore that it waited \
      for, what that one waited for, and so on to what began it all, with source lines. Slack is \
      how much later an instruction could have ended without making the run longer, or with --back \
      without delaying what the engine does next. The values of semaphores are worked out again \
      from the records.

      With --what-if the recorded program is timed again on a changed machine and compared with \
      the machine as it is: dma=2x is twice as fast a clock of the DMA engines, hbm=2x twice the \
      memory's bandwidth, sync=2x a faster sync engine and sequencers, and any constant \
      that 'trnbench device show' lists can be given a factor or a value. Cores that ran side by \
      side are timed together, so that they share memory and meet as they did; --core shows one of \
      them. What an engine's clock does not drive stays as long as it was.

      EXAMPLES
        trnbench trace explain x.trntrace --at 12.5us --engine vector
        trnbench trace explain x.trntrace --at 12.5us --engine dma3 --format json
        trnbench trace explain x.trntrace --what-if dma=2x --what-if vector=1.5x
        trnbench trace explain x.cores --core 3 --at 12.5us --engine tensor
        trnbench trace explain x.cores --what-if chip.neuronLinkHop=0.5x

      EXIT CODES
        0  done    65  the file is damaged, also when a partial answer was printed
       64  a wrong option, or too many records    74  it cannot be read
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or a folder of several cores' traces.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  @Option(help: ArgumentHelp("The core whose trace of a folder is meant.", valueName: "n"))
  var core: Int?

  @Option(
    help: ArgumentHelp("The moment, such as 12.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var at: Picoseconds?

  @Option(
    help: ArgumentHelp(
      "tensor, vector, scalar, gpsimd, sync, or dma0 to dma15.", valueName: "name"),
    completion: .list(TrackID.all.map(\.name)), transform: { try Self.track($0) })
  var engine: TrackID?

  @Option(help: ArgumentHelp("Links of the chain at most.", valueName: "n"))
  var depth = 16

  @Option(
    help: ArgumentHelp(
      "Look at this much before the moment, and on to the end of what comes next; default: all, or the last 500,000 records of a run with more than 2,000,000.",
      valueName: "time"),
    transform: { try TimeText.parse($0) })
  var back: Picoseconds?

  @Option(
    help: ArgumentHelp("Change the machine, such as dma=2x; can be repeated.", valueName: "change"))
  var whatIf: [String] = []

  /// Records that are looked at before a moment of a run which is too long to be held.
  private static let nearRecords = 500_000

  private static func track(_ name: String) throws(UnknownChoice) -> TrackID {
    if let track = TrackID(name: name) { return track }
    throw UnknownChoice(word: name, known: TrackID.all.map(\.name))
  }

  /// Prints what the engine did and the chain behind it, or what a changed machine would do.
  func execute(_ context: CommandContext) throws -> Outcome {
    guard depth >= 1 else {
      throw CommandFailure.badValue(
        option: "--depth", found: "\(depth)", expected: "a whole number above 0")
    }
    if !whatIf.isEmpty { return try retime(context) }
    let reader = try TraceReader(
      path: CoreTraces.path(context.environment.url(file), name: file, core: core))
    guard let at, let engine else {
      throw CommandFailure.unsupported(
        what: "there is nothing to explain",
        advice: "give --at and --engine, or --what-if")
    }
    guard at.value <= reader.summary.end else {
      throw CommandFailure.badValue(
        option: "--at", found: "\(at.value) ps",
        expected: "a time within the run, which ends at \(reader.summary.end) ps")
    }
    let recorded = TraceSummary.recorded(reader)
    guard !recorded.isPart || (recorded.from...max(recorded.from, recorded.to)).contains(at.value)
    else {
      throw CommandFailure.badValue(
        option: "--at", found: "\(at.value) ps",
        expected: "a time that was recorded, from \(recorded.from) to \(recorded.to) ps")
    }
    let (window, lastEnd) = try window(reader, at, engine)
    let explanation = Explanation(
      CauseGraph(window), track: engine, at: at.value, limit: depth, lastEnd: lastEnd)
    let table = ExplanationTable(
      explanation: explanation, window: window, track: engine, time: at.value)
    switch context.format {
    case .json:
      try context.write(ExplanationDocument(table, damage: reader.damage).json() + "\n")
    case .table:
      try context.note(table.headline)
      let lines = [""] + table.lines(width: context.terminal.width)
      try context.write(lines.map { $0 + "\n" }.joined())
    case .csv, .markdown: try context.show(table.table)
    }
    return try context.report(reader.damage, of: file)
  }

  /// The records to explain a moment with: all, or with --back those from so much before it to the
  /// end of what the engine does next.
  private func window(
    _ reader: borrowing TraceReader, _ at: Picoseconds, _ engine: TrackID
  ) throws -> (window: EventWindow, lastEnd: Int64?) {
    func load(_ from: Picoseconds?, _ to: Picoseconds?) throws -> EventWindow {
      try TraceWindow.load(
        reader, path: file, from: from, to: to,
        advice: "look at less of it with --back, such as --back 20us", knowsBefore: true)
    }
    guard back != nil || reader.recordCount() > EventWindow.recordLimit else {
      return (try load(nil, nil), nil)
    }
    let (lastEnd, next) = try reader.neighbours(of: engine, at: at.value)
    let to = max(at, next?.end ?? at)
    guard let back else {
      // As many as answer at once; the chain says where it goes on before them.
      let window = try EventWindow.load(reader, before: to.value, limit: Self.nearRecords)
      return (window, lastEnd)
    }
    var from = max(.zero, at - back)
    let count = reader.recordCount(from: from.value, to: to.value)
    if count > EventWindow.recordLimit, let next {
      // What it waits for happens just before it goes on, however long it has stood still.
      from = max(from, next.start - back)
    }
    return (try load(from, to), lastEnd)
  }
}
