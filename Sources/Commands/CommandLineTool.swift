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
      return try answer(error, arguments)
    }
    guard let verb = command as? any Verb else { return .done }
    return try verb.execute(CommandContext(environment: environment, options: verb.output))
  }

  /// What the argument parser has to say: help, version and completions on standard output with
  /// success, mistakes on standard error.
  private func answer(_ error: any Error, _ arguments: [String]) throws -> Outcome {
    let columns = min(environment.outputTerminal.width, Self.widestHelp)
    let text = TrnbenchCommand.fullMessage(for: error, columns: columns)
    guard TrnbenchCommand.exitCode(for: error) == .success else {
      if let failure = VerbTree.unknownOption(in: arguments) { throw failure }
      if let failure = VerbTree.negativeValue(in: arguments) { throw failure }
      try environment.errors.write(text + "\n")
      return .badInput
    }
    try environment.output.write(text + "\n")
    return .done
  }
}

/// Names mistyped verbs and options better than the parser does, which takes a mistyped verb for a
/// stray argument, and the value of a mistyped option too.
enum VerbTree {
  /// The first option that the verb's own help does not name; asked only once parsing has failed.
  static func unknownOption(in arguments: [String]) -> CommandFailure? {
    var command: any ParsableCommand.Type = TrnbenchCommand.self
    var path = ["trnbench"]
    for word in arguments.prefix(while: { $0 != "--" }) {
      let verbs = command.configuration.subcommands
      if let next = verbs.first(where: { $0.configuration.commandName == word }) {
        command = next
        path.append(word)
      } else if word.hasPrefix("--") {
        let option = String(word.prefix { $0 != "=" })
        let known = options(of: command)
        if known.contains(option) { continue }
        return .unknownOption(
          option, path: path.joined(separator: " "), nearest: closestMatch(option, in: known))
      }
    }
    return nil
  }

  /// The first number below zero behind an option, which the parser takes for an option of its own
  /// and misses the value; asked only once parsing has failed.
  static func negativeValue(in arguments: [String]) -> CommandFailure? {
    for (option, word) in zip(arguments, arguments.dropFirst())
    where option.hasPrefix("--") && !option.contains("=") && word.hasPrefix("-") {
      guard let digit = word.dropFirst().first, digit.isNumber || digit == "." else { continue }
      return .badValue(option: option, found: word, expected: "a value without a minus sign")
    }
    return nil
  }

  /// Every word of the help text that begins as an option does.
  private static func options(of command: any ParsableCommand.Type) -> Set<String> {
    let text = TrnbenchCommand.helpMessage(for: command, includeHidden: true, columns: 100)
    let words = text.split { $0.isWhitespace || $0 == "/" || $0 == "," || $0 == "[" || $0 == "]" }
    return Set(words.filter { $0.hasPrefix("--") }.map(String.init))
  }

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
