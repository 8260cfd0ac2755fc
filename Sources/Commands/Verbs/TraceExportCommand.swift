import ArgumentParser
import Foundation
import Results
import TraceAnalysis
import TraceFile
import Units

/// `trnbench trace export`
struct TraceExportCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a trace in the form of another tool.",
    usage: "trnbench trace export <file> --to <form> --output <out> [<options>]",
    discussion: """
      perfetto opens at ui.perfetto.dev: a track per engine, its waits, flows from who updated a \
      semaphore to who waited for it, and counters; times in whole nanoseconds. chrome is JSON for \
      chrome://tracing, speedscope JSON for speedscope.app, pprof a profile for 'go tool pprof'. \
      csv is the instruction table of the vendor's profiler, with its column names. A long trace \
      is exported in parts, with --from and --until. Of a folder, which a run on several cores \
      leaves, perfetto gets a process for each core.

      EXAMPLES
        trnbench trace export x.trntrace --to perfetto --output x.pftrace
        trnbench trace export x.trntrace --to chrome --from 10us --until 12us --output x.json
        trnbench trace export x.trntrace --to csv --output -
        trnbench trace export x.cores --to perfetto --output x.pftrace

      EXIT CODES
        0  done    65  the file is damaged, also when a part of it was exported
       64  a wrong option, or too many records    74  a file cannot be read or written
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or the folder of several cores' traces.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("perfetto, chrome, speedscope, pprof or csv.", valueName: "form"),
    completion: .list(ExportFormat.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var form: ExportFormat

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write; - for standard output.", valueName: "out"),
    completion: .file())
  var target: String

  @Option(
    help: ArgumentHelp("Begin here, such as 1.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var from: Picoseconds?

  @Option(help: ArgumentHelp("End here.", valueName: "time"), transform: { try TimeText.parse($0) })
  var until: Picoseconds?

  /// Writes the file; says how much it holds where it is not standard output.
  func execute(_ context: CommandContext) throws -> Outcome {
    if let cores = try CoreTraces(context.environment.url(file), name: file) {
      return try export(cores, context)
    }
    let path = context.environment.url(file).path
    let reader = try TraceReader(path: path)
    let window = try load(reader, path: file)
    let program = try EmbeddedProgram(reader)
    let export = TraceExport(window, metadata: reader.metadata) { program?.text($0) ?? "" }
    if target == "-" {
      try export.write(form) { try context.write(String(decoding: $0, as: UTF8.self)) }
    } else {
      let url = context.environment.url(target)
      let size = try ExportFile(url).write { sink in try export.write(form, to: sink) }
      try context.note("\(window.count) records as \(form.rawValue): \(target), \(size) bytes")
    }
    return try context.report(reader.damage, of: path)
  }

  /// The records that are to be written.
  private func load(_ reader: borrowing TraceReader, path: String) throws -> EventWindow {
    try TraceWindow.checkOrder(from, until, "--until")
    return try TraceWindow.load(
      reader, path: path, from: from, to: until, advice: "choose a part with --from and --until")
  }

  /// A process for each core, one after the other, so that one core's records are in memory.
  private func export(_ cores: CoreTraces, _ context: CommandContext) throws -> Outcome {
    guard form == .perfetto, target != "-" else {
      throw CommandFailure.unsupported(
        what: "the cores of a folder are exported together for perfetto alone, to a file",
        advice: "name one trace of the folder for other forms")
    }
    var count = 0
    var outcomes: [Outcome] = []
    let size = try ExportFile(context.environment.url(target)).write { sink in
      for (index, item) in cores.items.enumerated() {
        let reader = try TraceReader(path: item.path)
        let window = try load(reader, path: item.path)
        try TraceExport(window, metadata: reader.metadata).writePerfetto(
          process: index, to: sink)
        count += window.count
        outcomes.append(try context.report(reader.damage, of: item.path))
      }
    }
    try context.note(
      "\(count) records of \(cores.items.count) cores as perfetto: \(target), \(size) bytes")
    return Outcome.gravest(outcomes)
  }
}
