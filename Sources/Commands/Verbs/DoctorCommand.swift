import ArgumentParser
import Results
import TerminalUI

/// `trnbench doctor`
struct DoctorCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show what this machine has, what is missing, and how to get it.",
    usage: "trnbench doctor [<options>]",
    discussion: """
      EXAMPLES
        trnbench doctor
        trnbench doctor --format json      to go with a bug report
      """)

  @OptionGroup var output: OutputOptions

  /// Prints every fact, and below the table what to do.
  func execute(_ context: CommandContext) throws -> Outcome {
    let facts = HealthCheck(environment: context.environment).facts()
    var columns = [Column.text("topic", minimumWidth: nil), .text("found", minimumWidth: 20)]
    // People read the advice below the table, in full.
    if !context.isForPeople { columns.append(.text("advice")) }
    var table = Table(columns: columns)
    for fact in facts {
      var cells: [Cell] = [.text(fact.topic), fact.found]
      if !context.isForPeople { cells.append(fact.advice.map { .text($0) } ?? .missing) }
      table.append(cells, paint: fact.advice == nil ? nil : .doubtful)
    }
    try context.show(table, key: "facts")
    let advice = facts.compactMap { fact in fact.advice.map { "\(fact.topic): \($0)" } }
    try context.note("")
    try context.note(advice.isEmpty ? "nothing is missing" : "what to do:")
    for line in advice { try context.note(line) }
    return .done
  }
}
