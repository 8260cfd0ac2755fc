import ArgumentParser

/// `trnbench trace`
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Look into recorded traces.",
    subcommands: [TraceSummaryCommand.self, TraceVerifyCommand.self])
}
