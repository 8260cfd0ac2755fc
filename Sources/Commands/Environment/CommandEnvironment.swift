package import Foundation
package import TerminalUI

/// Everything that a verb may know of the world around it; tests put their own in.
package struct CommandEnvironment: Sendable {
  /// Results, tables and documents.
  package var output: any TextSink
  /// Errors and progress.
  package var errors: any TextSink
  /// What stands behind `output`: width and colour of tables.
  package var outputTerminal: Terminal
  /// What stands behind `errors`: progress is drawn on a terminal alone.
  package var errorTerminal: Terminal
  /// Environment variables.
  package var variables: [String: String]
  /// What relative paths start from.
  package var currentDirectory: URL
  /// The path of this program, near which workloads may stand.
  package var executable: String?
  /// Seconds since some moment; for progress alone.
  package var clock: @Sendable () -> Double
  /// Whether the user asked for an end.
  package var interruption: Interruption
  /// Called by verbs that save what is finished before they end.
  package var watchInterrupts: @Sendable (Interruption) -> Void
  /// Runs workloads.
  package var executor: any WorkloadExecutor

  package init(
    output: any TextSink, errors: any TextSink, outputTerminal: Terminal, errorTerminal: Terminal,
    variables: [String: String], currentDirectory: URL, executable: String? = nil,
    clock: @escaping @Sendable () -> Double = { 0 }, interruption: Interruption = Interruption(),
    watchInterrupts: @escaping @Sendable (Interruption) -> Void = { _ in },
    executor: any WorkloadExecutor = BenchmarkExecutor()
  ) {
    self.output = output
    self.errors = errors
    self.outputTerminal = outputTerminal
    self.errorTerminal = errorTerminal
    self.variables = variables
    self.currentDirectory = currentDirectory
    self.executable = executable
    self.clock = clock
    self.interruption = interruption
    self.watchInterrupts = watchInterrupts
    self.executor = executor
  }

  /// The environment of this process.
  package static func process() -> CommandEnvironment {
    Signals.turnWriteSignalsIntoErrors()
    let variables = ProcessInfo.processInfo.environment
    return CommandEnvironment(
      output: FileDescriptorSink.standardOutput, errors: FileDescriptorSink.standardError,
      outputTerminal: .standardOutput(environment: variables),
      errorTerminal: .standardError(environment: variables), variables: variables,
      currentDirectory: URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
      executable: Bundle.main.executablePath,
      clock: { ProcessInfo.processInfo.systemUptime },
      watchInterrupts: { Signals.watchInterrupts($0) })
  }

  /// A path as the user wrote it, from the current directory.
  package func url(_ path: String) -> URL {
    let expanded = (path as NSString).expandingTildeInPath
    let url =
      expanded.hasPrefix("/")
      ? URL(fileURLWithPath: expanded) : currentDirectory.appendingPathComponent(expanded)
    return url.standardizedFileURL
  }

  /// Refuses to write a file over the one that it is made of, also where links lead to it.
  package func checkDistinct(input: String, output: String) throws(CommandFailure) {
    let places = [input, output].map { url($0).resolvingSymlinksInPath() }
    guard places[0] == places[1] else { return }
    throw .unsupported(
      what: "--output \(output) is the file that is read, and would be lost",
      advice: "give it another name")
  }
}
