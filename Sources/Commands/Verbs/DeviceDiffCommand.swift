import ArgumentParser
import Hardware
import Results
import TerminalUI

/// `trnbench device diff`
struct DeviceDiffCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show the constants in which two devices differ.",
    usage: "trnbench device diff <base> <new> [<options>]",
    discussion: """
      EXAMPLES
        trnbench device diff trn2 trn3
        trnbench device diff trn2 my-trn2.yaml
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("A device, or a device file.", valueName: "base"),
    completion: .list(DeviceNames.all))
  var base: String

  @Argument(
    help: ArgumentHelp("Another one.", valueName: "new"), completion: .list(DeviceNames.all))
  var new: String

  /// Prints one row for each value that differs.
  func execute(_ context: CommandContext) throws -> Outcome {
    let base = try DeviceNames.device(base, context.environment)
    let new = try DeviceNames.device(new, context.environment)
    let difference = DeviceDifference(base: base, new: new)
    try context.show(difference.table, key: "constants")
    try context.note("")
    try context.note(
      "\(difference.table.rows.count) of \(difference.count) constants differ: \(base) to \(new)")
    return .done
  }
}
