import ArgumentParser
import Foundation
import Results
import TerminalUI
import TraceAnalysis
import TraceFile

/// `trnbench trace diff`
struct TraceDiffCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show where the time moved between two runs.",
    usage: "trnbench trace diff <base> <new> [<options>]",
    discussion: """
      Follows who waited for whom back from the end of both runs and splits the difference by \
      engine, cause and kernel; the parts add up to it to the picosecond. --by engine splits each \
      engine's own time instead, and --by instruction lists what was added, removed and moved. \
      Traces of different workloads are refused. Of two folders, which runs on several cores \
      leave, each core is compared with its own, and all are added up; --core compares one alone.

      EXAMPLES
        trnbench trace diff old.trntrace new.trntrace
        trnbench trace diff old.trntrace new.trntrace --by instruction
        trnbench trace diff trn2.trntrace trn3.trntrace --format json
        trnbench trace diff old.cores new.cores

      EXIT CODES
        0  done    6  other workloads    65  a file is damaged, also with a partial answer
       64  a wrong option, or a file of a newer version    74  one cannot be read
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or the folder, that is compared with.", valueName: "base"),
    completion: .file(extensions: ["trntrace"]))
  var base: String

  @Argument(
    help: ArgumentHelp("The trace, or the folder, that is compared.", valueName: "new"),
    completion: .file(extensions: ["trntrace"]))
  var new: String

  @Option(help: ArgumentHelp("The core whose traces of two folders are meant.", valueName: "n"))
  var core: Int?

  @Option(
    help: ArgumentHelp(
      "path (the critical path), engine or instruction. (default: path)", valueName: "what"),
    completion: .list(DifferenceGrouping.allCases.map(\.rawValue)),
    transform: { try Choice.of($0) })
  var by: DifferenceGrouping = .path

  @Option(help: ArgumentHelp("Rows of a table; 0 for all of them.", valueName: "n"))
  var top = 15

  @Flag(help: "Compare traces of different workloads all the same.")
  var acrossWorkloads = false

  /// Prints the difference; damage is named on standard error.
  func execute(_ context: CommandContext) throws -> Outcome {
    guard top >= 0 else {
      throw CommandFailure.badValue(
        option: "--top", found: "\(top)", expected: "0 or a whole number above")
    }
    if core == nil, let folders = try folders(context) { return try compare(folders, context) }
    let paths = try [base, new].map {
      try CoreTraces.path(context.environment.url($0), name: $0, core: core)
    }
    let first = try TraceReader(path: paths[0])
    let second = try TraceReader(path: paths[1])
    try checkWorkloads(first.metadata, second.metadata)
    let width = context.terminal.width
    let difference = try TraceDifference(
      base: first, new: second, cells: DifferenceTable.cells(width: width))
    let isWhole = top == 0 || context.format == .csv
    let table = DifferenceTable(difference: difference, limit: isWhole ? nil : top)
    switch context.format {
    case .json:
      let document = try DifferenceDocument(difference).json()
      try context.write(String(decoding: document, as: UTF8.self) + "\n")
    case .table:
      let head = table.head(
        width: width, names: (base, new), isASCII: context.terminal.isASCII)
      try context.write(head.map { $0 + "\n" }.joined())
      try context.write("\n\(table.title(by))\n")
      try context.show(table.table(by))
      try context.write("\n")
      try context.note(table.instructionLine)
      for note in difference.notes { try context.note(note) }
    case .csv, .markdown: try context.show(table.table(by))
    }
    return try report(difference, (base, new), context)
  }

  /// The traces of the cores of both runs; nil when two files are compared.
  private func folders(_ context: CommandContext) throws -> (CoreTraces, CoreTraces)? {
    let found = try [base, new].map { try CoreTraces(context.environment.url($0), name: $0) }
    guard let first = found[0], let second = found[1] else {
      guard found[0] == nil, found[1] == nil else {
        throw CommandFailure.notComparable(
          what: "one of the two is the folder of several cores' traces",
          advice: "give two traces, or two folders")
      }
      return nil
    }
    let names = [first, second].map { $0.items.map(\.core) }
    guard names[0] == names[1] else {
      let cores = names.map { $0.joined(separator: ", ") }
      throw CommandFailure.notComparable(
        what: "the folders hold other cores, \(cores[0]) and \(cores[1])",
        advice: "compare cores by their files")
    }
    return (first, second)
  }

  /// Each core with its own, and all together.
  private func compare(
    _ folders: (CoreTraces, CoreTraces), _ context: CommandContext
  ) throws -> Outcome {
    var cores: [(core: String, difference: TraceDifference)] = []
    var outcomes: [Outcome] = []
    for (before, after) in zip(folders.0.items, folders.1.items) {
      let first = try TraceReader(path: before.path)
      let second = try TraceReader(path: after.path)
      try checkWorkloads(first.metadata, second.metadata)
      let difference = try TraceDifference(base: first, new: second)
      cores.append((before.core, difference))
      outcomes.append(try report(difference, (before.path, after.path), context))
    }
    let differences = CoreDifferences(cores)
    guard context.format != .json else {
      let document = try CoreDifferencesDocument(differences).json()
      try context.write(String(decoding: document, as: UTF8.self) + "\n")
      return Outcome.gravest(outcomes)
    }
    let limit = top == 0 || context.format == .csv ? nil : top
    let table = CoreDifferenceTable(differences: differences, limit: limit)
    if context.format == .table {
      try context.write(table.head(names: (base, new)).map { $0 + "\n" }.joined())
      try context.write("\n\(table.title(by))\n")
    }
    try context.show(table.table(by))
    for note in differences.notes { try context.note(note) }
    return Outcome.gravest(outcomes)
  }

  /// Names what is missing from either trace.
  private func report(
    _ difference: TraceDifference, _ names: (base: String, new: String), _ context: CommandContext
  ) throws -> Outcome {
    Outcome.gravest([
      try context.report(difference.base.damage, of: names.base),
      try context.report(difference.new.damage, of: names.new),
    ])
  }

  private func checkWorkloads(
    _ first: TraceMetadata, _ second: TraceMetadata
  ) throws(CommandFailure) {
    let names = [first, second].compactMap { $0.entries[TraceMetadata.Key.workload] }
    guard !acrossWorkloads, names.count == 2, names[0] != names[1] else { return }
    throw .notComparable(
      what: "the traces are of different workloads, \(names[0]) and \(names[1])",
      advice: "give two traces of one workload, or --across-workloads")
  }
}
