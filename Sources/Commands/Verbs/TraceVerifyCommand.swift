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
      The content's hash is that of what the blocks hold, decompressed: traces of one run are \
      equal in it whichever version of libzstd wrote them.

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
    let url = context.environment.url(file)
    let cores = try CoreTraces(url, name: file)
    var found: [(core: String, damages: [TraceDamage])] = []
    var hashes: [String?] = []
    for item in cores?.items ?? [CoreTraces.Item(core: "", path: url.path)] {
      let reader = try TraceReader(path: item.path)
      let (damages, hash) = try reader.check()
      found.append((item.core, damages))
      hashes.append(damages.isEmpty ? hash.map(Self.text) : nil)
      if damages.isEmpty, context.isForPeople {
        let remark = Self.remark(reader, named: cores == nil ? file : item.path)
        try context.note(remark + ", content " + (hashes.last.flatMap(\.self) ?? ""))
      }
    }
    let isSound = found.allSatisfy(\.damages.isEmpty)
    if context.format == .table {
      // What is wrong is never cut: lines are broken where they are too long.
      for (core, damages) in found {
        let name = cores == nil ? "" : "core \(core), "
        for damage in damages { try context.note("\(name)\(damage.kind.rawValue): \(damage)") }
      }
    } else if context.format == .json {
      let values = hashes.map { $0.map { "\"\($0)\"" } ?? "null" }
      let hash =
        cores == nil
        ? ("content_hash", values[0])
        : ("content_hashes", "[" + values.joined(separator: ", ") + "]")
      let table = Self.table(found, named: cores != nil)
      try context.write(table.json(rowsKey: "damage", more: [hash]))
    } else if !isSound || !context.isForPeople {
      try context.show(Self.table(found, named: cores != nil), key: "damage")
    }
    return isSound ? .done : .damagedFile
  }

  /// A hash as sixteen digits.
  private static func text(_ hash: UInt64) -> String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// What is said of a trace of which nothing is wrong.
  private static func remark(_ reader: borrowing TraceReader, named name: String) -> String {
    let events = reader.summary.tracks.reduce(0) { $0 + $1.events }
    let records = reader.summary.tracks.reduce(events) { $0 + $1.samples }
    let stored = reader.storedEventCount
    let isPart = reader.summary.droppedRecords != nil
    let note = !isPart && stored > 0 && stored < events ? " stored as \(stored)" : ""
    return "\(name): nothing is wrong; \(reader.blockCount) blocks, \(records) records\(note), "
      + "run \(reader.summary.state.rawValue)"
  }

  /// One row for each damage, with the name of its core before it where there are several.
  private static func table(
    _ found: [(core: String, damages: [TraceDamage])], named: Bool
  ) -> Table {
    let names = named ? [Column.text("core", minimumWidth: nil)] : []
    var table = Table(
      columns: names + [
        .text("kind", minimumWidth: nil), .text("track", minimumWidth: nil), Column("records"),
        Column("offset"), .text("message", minimumWidth: 20),
      ])
    for (core, damages) in found {
      for damage in damages {
        table.append(
          (named ? [.text(core)] : []) + [
            .text(damage.kind.rawValue), damage.track.map { .text($0.name) } ?? .missing,
            damage.records.map { .integer($0) } ?? .missing,
            damage.offset.map { .integer($0) } ?? .missing, .text(damage.description),
          ])
      }
    }
    return table
  }
}
