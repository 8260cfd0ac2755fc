import ArgumentParser
import Results

/// A verb: options in, tables out, an outcome at the end.
protocol Verb: ParsableCommand {
  /// The options that every verb has.
  var output: OutputOptions { get }
  /// Does the work.
  func execute(_ context: CommandContext) throws -> Outcome
}

/// The root of the command line.
struct TrnbenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trnbench",
    abstract: "An instruction-level model of one AWS Trainium NeuronCore.",
    discussion: """
      Runs workloads on the model, checks the values, tells where the time went, and compares \
      results with earlier commits and with published numbers of GPUs.

      EXAMPLES
        trnbench list                              what there is to run
        trnbench run quick --trace samples         a few minutes, with traces
        trnbench run 'kernel/*' --device trn3      a family on another device
        trnbench trace summary Results/.../x.trntrace
        trnbench compare HEAD~1                    what did the last commit change
        trnbench compare reference:h100            beside published numbers

      \(exitCodes)
      """,
    version: version,
    subcommands: [
      ListCommand.self, RunCommand.self, TraceCommand.self, CompareCommand.self,
      ReplayCommand.self,
      DeviceCommand.self, AssembleCommand.self, DisassembleCommand.self, ValidateCommand.self,
      DoctorCommand.self,
    ])

  /// The release that this is.
  static let version = "0.1.0"

  /// Errors look the same whoever reports them.
  static var _errorLabel: String { "error" }

  /// Every outcome of the command line, from the one list that defines them.
  private static var exitCodes: String {
    let lines = Outcome.allCases.map { outcome in
      let code = String(outcome.exitCode)
      return String(repeating: " ", count: 5 - code.count) + code + "  " + outcome.meaning
    }
    return (["EXIT CODES"] + lines).joined(separator: "\n")
  }
}
