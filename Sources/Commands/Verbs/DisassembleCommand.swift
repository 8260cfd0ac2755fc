import ArgumentParser
import Foundation
import InstructionSet
import Results
import TerminalUI
import WorkloadCatalog

/// `trnbench disasm`
struct DisassembleCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "disasm",
    abstract: "Print a program as text: a file's, or the one that a workload becomes.",
    usage: "trnbench disasm <program> [<options>]",
    discussion: """
      A .trnasm or .trnp file is printed in its one canonical form, which 'trnbench asm' reads \
      back. A workload is lowered for the device \
      and its program printed, each instruction with the place that emitted it.

      EXAMPLES
        trnbench disasm copy.trnasm
        trnbench disasm copy.trnp
        trnbench disasm kernel/matmul-512-bf16 --device trn2 > matmul.trnasm

      EXIT CODES
        0  done                          64  an unknown name or a program with mistakes
        65  a binary file is damaged     74  it cannot be read
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("A .trnasm or .trnp file, or a workload.", valueName: "program"),
    completion: .file(extensions: ["trnasm", "trnp"]))
  var name: String

  @Option(
    help: ArgumentHelp("The device that a workload is lowered for.", valueName: "name"),
    completion: .list(DeviceNames.all))
  var device: String?

  /// Prints the text; for machines, the table of segments.
  func execute(_ context: CommandContext) throws -> Outcome {
    if context.format == .table, ProgramSource.isProgram(name) {
      try context.write(ProgramSource(context.environment.url(name)).canonicalText)
      return .done
    }
    let program = try program(context.environment)
    if context.format == .table {
      try context.write(Assembly.text(of: program))
    } else {
      try context.show(ProgramTable.table(program), key: "segments")
    }
    return .done
  }

  private func program(_ environment: CommandEnvironment) throws -> Program {
    if ProgramSource.isProgram(name) {
      return try ProgramSource(environment.url(name)).program
    }
    let catalog = try Places(environment).catalog()
    let known = try catalog.resolve([name])
    guard known == [name] else {
      throw CommandFailure.unsupported(
        what: "'\(name)' names \(known.count) workloads", advice: "name one of them")
    }
    let specification = try catalog.specification(named: name)
    let device = try DeviceNames.device(
      device ?? specification.defaultDevice, environment)
    return try LoweredWorkload.program(specification, on: device)
  }
}
