import ArgumentParser
import Foundation
import Results
import TerminalUI
import TraceFile

/// `trnbench trace verify`
struct TraceVerifyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read every byte of a trace and say all that is wrong with it.",
    usage: "trnbench trace verify <file> [<options>]",
    discussion: """
      EXAMPLES
        trnbench trace verify x.trntrace
        trnbench trace verify x.cores

      EXIT CODES
        0  nothing is wrong    65  the file is damaged or cut    74  it cannot be read
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace, or the folder of several cores' traces.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  /// Prints what is damaged, one row each, or that nothing is.
  func execute(_ context: CommandContext) throws -> Outcome {
    guard let cores = try CoreTraces(context.environment.url(file), name: file) else {
      return try verify(context.environment.url(file).path, named: file, context)
    }
    var outcome = Outcome.done
    for item in cores.items {
      let own = try verify(item.path, named: item.path, context)
      if own != .done { outcome = own }
    }
    return outcome
  }

  private func verify(
    _ path: String, named name: String, _ context: CommandContext
  ) throws -> Outcome {
    let reader = try TraceReader(path: path)
    let damages = try reader.verify()
    if damages.isEmpty, context.isForPeople {
      let events = reader.summary.tracks.reduce(0) { $0 + $1.events }
      let records = reader.summary.tracks.reduce(events) { $0 + $1.samples }
      let stored = reader.storedEventCount
      let isPart = reader.summary.droppedRecords != nil
      let note = !isPart && stored > 0 && stored < events ? " stored as \(stored)" : ""
      try context.note(
        "\(name): nothing is wrong; \(reader.blockCount) blocks, \(records) records\(note), "
          + "run \(reader.summary.state.rawValue)")
      return .done
    }
    try context.show(Self.table(damages), key: "damage")
    return damages.isEmpty ? .done : .damagedFile
  }

  private static func table(_ damages: [TraceDamage]) -> Table {
    var table = Table(columns: [
      .text("kind", minimumWidth: nil), .text("track", minimumWidth: nil), Column("records"),
      Column("offset"), .text("message", minimumWidth: 20),
    ])
    for damage in damages {
      table.append([
        .text(damage.kind.rawValue), damage.track.map { .text($0.name) } ?? .missing,
        damage.records.map { .integer($0) } ?? .missing,
        damage.offset.map { .integer($0) } ?? .missing, .text(damage.description),
      ])
    }
    return table
  }
}
