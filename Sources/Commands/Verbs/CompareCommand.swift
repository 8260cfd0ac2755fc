import ArgumentParser
import Comparison
import Foundation
import Results
import TerminalUI

/// `trnbench compare`
struct CompareCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two sets of results, or results with published numbers.",
    usage: "trnbench compare <BASE> [<NEW>] [<options>]",
    discussion: """
      BASE and NEW are each a commit, tag, branch or HEAD~3 (the results recorded there), a result \
      file or folder, or device:NAME (the latest results on that device). BASE may also be \
      reference:NAME (published numbers). Without NEW it is what the working tree recorded last. \
      Simulated metrics are compared exactly, host metrics by a rank test of their samples.

      EXAMPLES
        trnbench compare HEAD~1                 against the commit before
        trnbench compare main --fail-above 2    exit code 2 if over 2 % worse
        trnbench compare device:trn2 device:trn3
        trnbench compare reference:h100 --format markdown

      EXIT CODES
        0  compared, improvements included   2  worse than --fail-above allows
        5  nothing to compare with           6  another shape, format or version
        7  too few samples, with --strict   64  unknown name
      """)

  @OptionGroup var output: OutputOptions

  @Argument(help: ArgumentHelp("What is compared against.", valueName: "BASE"))
  var base: String

  @Argument(help: ArgumentHelp("What is compared; the working tree if left out.", valueName: "NEW"))
  var new: String?

  @Option(
    help: ArgumentHelp(
      "Exit with 2 when a metric is worse by more than this.", valueName: "percent"))
  var failAbove: Double?

  @Option(
    help: ArgumentHelp("Compare only this metric; may be repeated.", valueName: "name"),
    completion: .list(StandardMetric.allCases.map(\.rawValue)))
  var metric: [String] = []

  @Flag(help: "Doubt and workloads without a base have exit codes too.")
  var strict = false

  @Flag(help: "Show the rows without a change as well.")
  var all = false

  @Option(
    help: ArgumentHelp("Where results are kept. (default: Results)", valueName: "folder"),
    completion: .directory)
  var results: String?

  /// Compares and prints; the outcome is the comparison's own.
  func execute(_ context: CommandContext) throws -> Outcome {
    if let failAbove, !(failAbove >= 0 && failAbove.isFinite) {
      throw CommandFailure.badValue(
        option: "--fail-above", found: "\(failAbove)", expected: "a percentage of 0 or more")
    }
    let environment = context.environment
    let sides = ComparisonSides(
      environment: environment,
      store: ResultStore(root: Places(environment).results(named: results)),
      comparator: Comparison.Comparator(metrics: Set(metric)))
    let newSelection = sides.selection(new)
    if case .reference(let name) = newSelection {
      throw CommandFailure.unsupported(
        what: "published numbers can only be the first of the two",
        advice: "use 'trnbench compare reference:\(name) \(base)'")
    }
    let baseSelection = sides.selection(base)
    for selection in [baseSelection, newSelection] { try sides.checkNames(selection) }
    let (report, outcome) = try compare(sides, baseSelection, newSelection)
    try print(report, context)
    return outcome
  }

  private func compare(
    _ sides: ComparisonSides, _ base: ResultSelection, _ new: ResultSelection
  ) throws -> (ComparisonReport, Outcome) {
    let newResults = try sides.results(new)
    if case .reference(let name) = base {
      let (report, hasNumbers) = try sides.compare(reference: name, with: newResults)
      let outcome = report.referenceOutcome(
        hasPublishedNumbers: hasNumbers, failAbovePercent: failAbove)
      return (report, outcome)
    }
    let baseResults = try sides.results(base)
    try ComparisonSides.check(metrics: metric, in: baseResults + newResults)
    let report = try sides.comparator.compare(base: baseResults, new: newResults)
    return (report, report.outcome(failAbovePercent: failAbove, isStrict: strict))
  }

  private func print(_ report: ComparisonReport, _ context: CommandContext) throws {
    if context.format == .json {
      try context.write(String(decoding: try ResultDocument.encode(report), as: UTF8.self))
      return
    }
    // CSV is for machines, which leave rows out themselves.
    let view = ComparisonTable(report: report, showsAll: all || context.format == .csv)
    let table = view.table()
    if !table.rows.isEmpty || !context.isForPeople { try context.show(table) }
    for line in view.notes() { try context.note(line) }
    if report.rows.isEmpty, view.notes().isEmpty {
      try context.note("nothing to compare: no metric that both sides recorded was asked for")
    }
  }
}
