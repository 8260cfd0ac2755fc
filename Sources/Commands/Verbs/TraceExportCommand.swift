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
      is exported in parts, with --from and a time for --to, which is told from a form; --until is \
      the same. Of a folder, which a run on several cores \
      leaves, perfetto gets a process for each core and csv a column with the core; --core \
      exports one of them.

      EXAMPLES
        trnbench trace export x.trntrace --to perfetto --output x.pftrace
        trnbench trace export x.trntrace --to chrome --from 10us --to 12us --output x.json
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

  @Option(help: ArgumentHelp("The core whose trace of a folder is meant.", valueName: "n"))
  var core: Int?

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "perfetto, chrome, speedscope, pprof or csv; given again with a time, end there.",
      valueName: "form"),
    completion: .list(ExportFormat.allCases.map(\.rawValue)),
    transform: { try ExportWord($0) })
  var to: [ExportWord]

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write; - for standard output.", valueName: "out"),
    completion: .file())
  var target: String

  @Option(
    help: ArgumentHelp("Begin here, such as 1.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var from: Picoseconds?

  @Option(
    help: ArgumentHelp("End here, as a time for --to does.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var until: Picoseconds?

  /// Writes the file; says how much it holds where it is not standard output.
  func execute(_ context: CommandContext) throws -> Outcome {
    let form = try form()
    if target != "-" { try context.environment.checkDistinct(input: file, output: target) }
    let location = context.environment.url(file)
    if core == nil, let cores = try CoreTraces(location, name: file) {
      try check(end: try cores.end())
      return try export(cores, form, context)
    }
    let path = try CoreTraces.path(location, name: file, core: core)
    let reader = try TraceReader(path: path)
    try check(end: reader.summary.end)
    let window = try load(reader, path: file)
    let program = try EmbeddedProgram(reader)
    let export = TraceExport(window, metadata: reader.metadata) { program?.text($0) ?? "" }
    if target == "-" {
      try export.write(form) { try context.write(bytes: $0) }
    } else {
      let url = context.environment.url(target)
      let size = try ExportFile(url).write { sink in try export.write(form, to: sink) }
      try context.note("\(window.count) records as \(form.rawValue): \(target), \(size) bytes")
    }
    return try context.report(reader.damage, of: path)
  }

  /// The records that are to be written.
  private func load(_ reader: borrowing TraceReader, path: String) throws -> EventWindow {
    try TraceWindow.load(
      reader, path: path, from: from, to: try end(), advice: "choose a part with --from and --to")
  }

  /// Refuses a part that holds nothing.
  private func check(end: Int64) throws(CommandFailure) {
    let option = until == nil ? "--to" : "--until"
    try TraceWindow.check(from, try self.end(), end: end, option)
  }

  /// The one form among the words of --to.
  private func form() throws(CommandFailure) -> ExportFormat {
    let forms = to.compactMap(\.form)
    guard forms.count == 1 else {
      throw .badValue(
        option: "--to", found: forms.isEmpty ? "a time alone" : "\(forms.count) forms",
        expected: "one of " + ExportFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return forms[0]
  }

  /// The end of the part, of --to or --until; nil for the run's.
  private func end() throws(CommandFailure) -> Picoseconds? {
    let ends = to.compactMap(\.end) + (until.map { [$0] } ?? [])
    guard ends.count <= 1 else {
      throw .badValue(option: "--to", found: "\(ends.count) times", expected: "one time")
    }
    return ends.first
  }

  /// A process for each core, one after the other, so that one core's records are in memory.
  private func export(
    _ cores: CoreTraces, _ form: ExportFormat, _ context: CommandContext
  ) throws -> Outcome {
    guard form == .perfetto || form == .csv else {
      throw CommandFailure.unsupported(
        what: "the cores of a folder are exported together for perfetto and csv alone",
        advice: "choose one with --core for \(form.rawValue)")
    }
    var count = 0
    var outcomes: [Outcome] = []
    func write(_ sink: TraceExport.Sink) throws {
      for (index, item) in cores.items.enumerated() {
        let reader = try TraceReader(path: item.path)
        let window = try load(reader, path: item.path)
        let program = form == .csv ? try EmbeddedProgram(reader) : nil
        let export = TraceExport(window, metadata: reader.metadata) { program?.text($0) ?? "" }
        if form == .csv {
          try export.writeInstructions(core: item.core, isFirst: index == 0, to: sink)
        } else {
          try export.writePerfetto(process: index, to: sink)
        }
        count += window.count
        outcomes.append(try context.report(reader.damage, of: item.path))
      }
    }
    guard target != "-" else {
      try write { try context.write(bytes: $0) }
      return Outcome.gravest(outcomes)
    }
    let size = try ExportFile(context.environment.url(target)).write(write)
    let records = "\(count) records of \(cores.items.count) cores"
    try context.note("\(records) as \(form.rawValue): \(target), \(size) bytes")
    return Outcome.gravest(outcomes)
  }
}

/// What --to takes: the form of the file, as in other verbs the end of a part.
enum ExportWord {
  case form(ExportFormat)
  case end(Picoseconds)

  /// Reads `perfetto` or `12us`. Throws `UnknownChoice` and `UnreadableTime`.
  init(_ text: String) throws {
    if text.first?.isNumber == true {
      self = .end(try TimeText.parse(text))
    } else {
      self = .form(try Choice.of(text))
    }
  }

  var form: ExportFormat? {
    if case .form(let form) = self { form } else { nil }
  }

  var end: Picoseconds? {
    if case .end(let time) = self { time } else { nil }
  }
}
