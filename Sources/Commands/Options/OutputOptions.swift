import ArgumentParser
import TerminalUI

/// The options that every verb has.
struct OutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Print as table, json, csv or markdown. (default: table)", valueName: "format"),
    completion: .list(OutputFormat.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var format: OutputFormat = .table

  @Flag(help: "No colours, also on a terminal; NO_COLOR does the same.")
  var noColor = false

  /// The terminal as these options want it.
  func applied(to terminal: Terminal) -> Terminal {
    var result = terminal
    if noColor { result.hasColour = false }
    return result
  }
}
