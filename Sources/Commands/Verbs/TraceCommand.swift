import ArgumentParser

/// `trnbench trace`
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Look into recorded traces.",
    discussion: """
      A trace is what 'trnbench run --trace samples' or '--trace events' leaves beside a result: a \
      file that also survives a run that was killed. Another number format, rounding or seed is \
      part of its name, as of the result's. Where a trace of another mode lies there, the new one \
      has its mode in its name, as in softmax-4096.samples.trntrace, and both are kept. A run on \
      several cores leaves a folder with a trace of each core.

      EXAMPLES
        trnbench run kernel/softmax-4096 --trace events
        trnbench trace summary Results/.../softmax-4096.trntrace
        trnbench trace diff old.trntrace new.trntrace
        trnbench trace verify Results/.../softmax-4096.trntrace
        trnbench trace import profile.json.gz --output profile.trntrace
      """,
    subcommands: [
      TraceSummaryCommand.self, TraceCountersCommand.self, TraceViewCommand.self,
      TraceExplainCommand.self, TraceDiffCommand.self, TraceExportCommand.self,
      TraceVerifyCommand.self, TraceImportCommand.self,
    ])
}
