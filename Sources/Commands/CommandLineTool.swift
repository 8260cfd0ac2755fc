import ArgumentParser
import Results
import TerminalUI

/// `trnbench` as a function: arguments and surroundings in, exit code out.
package struct CommandLineTool {
  /// What the verbs may know of the world.
  package let environment: CommandEnvironment

  package init(environment: CommandEnvironment = .process()) {
    self.environment = environment
  }

  /// Help is readable up to here, however wide the terminal.
  private static let widestHelp = 100

  /// Runs one command line, without the program's own name, and returns the exit code.
  package func run(_ arguments: [String]) -> Int32 {
    do {
      return try perform(arguments).exitCode
    } catch {
      let report = ErrorReport(error)
      // Where standard error itself is closed nobody is left to tell.
      try? environment.errors.write("error: \(report.message)\n")
      return report.outcome.exitCode
    }
  }

  private func perform(_ arguments: [String]) throws -> Outcome {
    if let failure = VerbTree.unknownVerb(in: arguments) { throw failure }
    var command: any ParsableCommand
    do {
      command = try TrnbenchCommand.parseAsRoot(arguments)
      if !(command is any Verb) { try command.run() }
    } catch {
      return try answer(error)
    }
    guard let verb = command as? any Verb else { return .done }
    return try verb.execute(CommandContext(environment: environment, options: verb.output))
  }

  /// What the argument parser has to say: help, version and completions on standard output with
  /// success, mistakes on standard error.
  private func answer(_ error: any Error) throws -> Outcome {
    let columns = min(environment.outputTerminal.width, Self.widestHelp)
    let text = TrnbenchCommand.fullMessage(for: error, columns: columns)
    guard TrnbenchCommand.exitCode(for: error) == .success else {
      try environment.errors.write(text + "\n")
      return .badInput
    }
    try environment.output.write(text + "\n")
    return .done
  }
}

/// Looks for verbs before the parser does, which would call a mistyped one a stray argument.
enum VerbTree {
  static func unknownVerb(in arguments: [String]) -> CommandFailure? {
    var command: any ParsableCommand.Type = TrnbenchCommand.self
    var path = ["trnbench"]
    for word in arguments {
      let verbs = command.configuration.subcommands
      if verbs.isEmpty || word.hasPrefix("-") || word == "help" { return nil }
      guard let next = verbs.first(where: { $0.configuration.commandName == word }) else {
        let names = verbs.compactMap { $0.configuration.commandName }
        return .unknownVerb(
          word, path: path.joined(separator: " "), nearest: closestMatch(word, in: names))
      }
      command = next
      path.append(word)
    }
    return nil
  }
}
