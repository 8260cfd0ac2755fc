import ArgumentParser
import Results
import TerminalUI

/// `trnbench device`
struct DeviceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "device",
    abstract: "Show what the model knows of a device.",
    discussion: """
      A device is one modelled machine; 'trnbench list devices' names them.

      EXAMPLES
        trnbench device show trn2
        trnbench device show trn2 --group dma --sources
        trnbench device diff trn2 my-trn2.yaml
      """,
    subcommands: [DeviceShowCommand.self, DeviceDiffCommand.self])
}

/// `trnbench device show`
struct DeviceShowCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show every constant of a device: value, unit, how sure, and where it comes from.",
    usage: "trnbench device show <name> [<options>]",
    discussion: """
      Documented: in the vendor's documentation. Measured: read off real hardware. Derived: \
      computed from those by the formula in its source. Assumed: chosen, because nothing public \
      says; the range tells how far it could be wrong.

      EXAMPLES
        trnbench device show trn2
        trnbench device show trn2 --group dma --sources
        trnbench device show trn3 --format json
        trnbench device show my-trn2.yaml --group dma
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The device, or a device file.", valueName: "name"),
    completion: .list(DeviceNames.all))
  var name: String

  @Flag(help: "Show ranges and sources too.")
  var sources = false

  @Option(help: ArgumentHelp("Show only this group, such as dma or tensor.", valueName: "name"))
  var group: String?

  /// Prints the constants.
  func execute(_ context: CommandContext) throws -> Outcome {
    let listing = try ConstantListing(
      try DeviceNames.device(name, context.environment), group: group)
    // A source is a sentence: people read it below its constant, not in a cut column.
    if sources, context.format == .table {
      let lines = listing.lines(
        width: context.terminal.width, colour: context.terminal.hasColour)
      try context.write(lines.map { $0 + "\n" }.joined())
    } else {
      try context.show(
        listing.table(withSources: sources || context.format == .json), key: "constants")
    }
    try context.note("")
    let hint = sources ? "" : "; --sources shows ranges and sources"
    try context.note("\(listing.device): \(listing.summary)\(hint)")
    return .done
  }
}
