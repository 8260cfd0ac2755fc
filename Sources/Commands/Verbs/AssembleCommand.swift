import ArgumentParser
import Foundation
import Hardware
import InstructionSet
import Results

/// `trnbench asm`
struct AssembleCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "asm",
    abstract: "Assemble a program, check it against a device, and say what it consists of.",
    usage: "trnbench asm <file> [<options>]",
    discussion: """
      Mistakes are named with line and column, instructions that break a rule of the device with \
      their line. With --output the program is written in its one canonical form: as text, or, \
      where the name ends in .trnp, as compact binary that holds the same. docs/assembly.md \
      describes both.

      EXAMPLES
        trnbench asm copy.trnasm
        trnbench asm copy.trnasm -o copy.trnp
        trnbench asm copy.trnasm --device trn3 --output canonical.trnasm
        trnbench run copy.trnasm

      EXIT CODES
        0  the program is legal          64  it is not
        65  a binary file is damaged     74  a file cannot be read or written
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The program.", valueName: "file"),
    completion: .file(extensions: ["trnasm", "trnp"]))
  var file: String

  @Option(
    help: ArgumentHelp("The device whose rules are checked.", valueName: "name"),
    completion: .list(DeviceNames.all))
  var device = "trn2"

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "Write the program here: text, or binary where the name ends in .trnp.", valueName: "file"),
    completion: .file(extensions: ["trnasm", "trnp"]))
  var target: String?

  /// Assembles, checks, and prints the segments.
  func execute(_ context: CommandContext) throws -> Outcome {
    let device = try DeviceNames.device(device, context.environment)
    let source = try ProgramSource(context.environment.url(file))
    try source.check(on: device)
    if let target {
      let url = context.environment.url(target)
      let isBinary = url.pathExtension.lowercased() == "trnp"
      if isBinary, source.chip != nil {
        throw CommandFailure.unsupported(
          what: "\(file) holds programs of several cores, and a .trnp file holds one",
          advice: "write text: --output NAME.trnasm")
      }
      let bytes =
        isBinary ? ProgramBinary.bytes(of: source.program) : Array(source.canonicalText.utf8)
      do {
        try Data(bytes).write(to: url, options: .atomic)
      } catch { throw ResultStore.fileError(error, path: url.path) }
    }
    try context.show(ProgramTable.table(source.program), key: "segments")
    let count = source.program.invocations.reduce(0) {
      $0 + source.program.segments[$1.segment].instructions.count
    }
    try context.note(
      "legal on \(device.name); instructions of all invocations, loops not unrolled: \(count)")
    return .done
  }
}
