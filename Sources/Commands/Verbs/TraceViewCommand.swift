import ArgumentParser
import Foundation
import Results
import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// `trnbench trace view`
struct TraceViewCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "view",
    abstract: "Look at the timelines of a run, on a terminal with keys.",
    usage: "trnbench trace view <file> [<options>]",
    discussion: """
      One line per engine; the height is the share of a cell that it worked, the colour and the \
      letters below the chosen engine say why it stood still. ? lists the keys. In a pipe, on a \
      dumb terminal and with --static the same picture is printed once.

      EXAMPLES
        trnbench trace view x.trntrace
        trnbench trace view x.trntrace --from 10us --to 12us --engine vector
        trnbench trace view x.trntrace --static --width 100 > timeline.txt
        trnbench trace view x.trntrace --static --keys '+++n'
        trnbench trace view x.cores --core 0

      EXIT CODES
        0  done    65  the file is damaged, also when it was shown
       64  a wrong option, or a file of a newer version    74  it cannot be read
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or with --core a folder of several.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  @Option(help: ArgumentHelp("The core whose trace of a folder is meant.", valueName: "n"))
  var core: Int?

  @Option(
    help: ArgumentHelp("Begin here, such as 1.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var from: Picoseconds?

  @Option(help: ArgumentHelp("End here.", valueName: "time"), transform: { try TimeText.parse($0) })
  var to: Picoseconds?

  @Option(
    help: ArgumentHelp("The engine chosen at first. (default: tensor)", valueName: "name"),
    completion: .list(ViewRow.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var engine: ViewRow = .tensor

  @Option(
    help: ArgumentHelp("Columns of the static form. (default: the terminal's)", valueName: "n"))
  var width: Int?

  @Option(
    help: ArgumentHelp(
      "Lines of the static form, the line of keys among them. (default: as many as there are)",
      valueName: "n"))
  var height: Int?

  @Option(
    help: ArgumentHelp(
      "Keys that are pressed first, such as '++n' or '/MATMUL<enter>'.", valueName: "keys"))
  var keys: String?

  @Flag(name: .customLong("static"), help: "Print the picture once.")
  var isStatic = false

  /// The smallest picture that says something.
  private static let (fewestColumns, fewestLines) = (40, 12)

  /// Shows the picture, once or until the reader has seen enough.
  func execute(_ context: CommandContext) throws -> Outcome {
    guard context.format == .table else {
      throw CommandFailure.unsupported(
        what: "a picture has no form as \(context.format.rawValue)",
        advice: "'trnbench trace summary --format \(context.format.rawValue)' has the numbers")
    }
    try check("--width", width, atLeast: Self.fewestColumns)
    try check("--height", height, atLeast: Self.fewestLines)
    let reader = try TraceReader(
      path: CoreTraces.path(context.environment.url(file), name: file, core: core))
    try TraceWindow.check(from, to, end: reader.summary.end)
    try TraceWindow.check(from, to, recordedIn: reader)
    let program = try EmbeddedProgram(reader)
    let source = try TimelineSource(reader)
    let session = ViewSession(
      source, program: program, name: file, from: from?.value, to: to?.value)
    session.state.row = ViewRow.allCases.firstIndex(of: engine) ?? 0
    let columns = max(Self.fewestColumns, width ?? min(context.terminal.width, 160))
    session.cells = TimelinePicture.cells(width: columns)
    try press(session)
    let canInteract =
      context.terminal.isTerminal && context.environment.variables["TERM"] != "dumb"
    let shown = isStatic || !canInteract ? nil : try interact(session, context)
    if shown == .interrupted { return .interrupted }
    if shown == nil {
      let screen = ViewScreen(
        session: session, columns: columns, rows: height,
        hasColour: context.terminal.hasColour, isASCII: context.terminal.isASCII)
      try context.write(try screen.lines().map { $0 + "\n" }.joined())
    }
    return try context.report(source.damage, of: file)
  }

  private func check(_ option: String, _ size: Int?, atLeast least: Int) throws(CommandFailure) {
    guard let size, size < least else { return }
    throw .badValue(option: option, found: "\(size)", expected: "a whole number from \(least) on")
  }

  /// Presses the keys of the command line.
  private func press(_ session: ViewSession) throws {
    guard let keys else { return }
    guard let parsed = Key.parse(keys) else {
      throw CommandFailure.badValue(
        option: "--keys", found: keys,
        expected: "characters and names such as <enter>, <tab>, <up>")
    }
    for key in parsed { _ = try session.handle(key) }
  }

  /// Keys and screens until the reader quits, or the process is to end; nil where there is no
  /// terminal for it. The terminal is as before in any case.
  private func interact(
    _ session: ViewSession, _ context: CommandContext
  ) throws -> Outcome? {
    let ending = Interruption()
    Signals.watchEndings(ending)
    guard var terminal = InteractiveTerminal.open() else { return nil }
    var shown = (columns: 0, rows: 0)
    var isStale = true
    while true {
      let size = terminal.size
      if isStale || size != shown {
        let screen = ViewScreen(
          session: session, columns: size.columns, rows: size.rows,
          hasColour: context.terminal.hasColour, isASCII: context.terminal.isASCII)
        terminal.show(try screen.lines(), rows: size.rows)
        shown = size
      }
      // A quarter of a second is soon enough to see that the window has another size.
      let keys = terminal.keys(timeoutMilliseconds: 250)
      if ending.isRequested { return .interrupted }
      guard let keys else { return .done }
      isStale = !keys.isEmpty
      for key in keys where try session.handle(key) == .quit { return .done }
    }
  }
}

/// The rows of a viewer.
enum ViewRow: String, CaseIterable {
  case tensor, vector, scalar, gpsimd, sync, dma
}
