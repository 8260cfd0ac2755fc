import ArgumentParser
import Foundation
import Hardware
import ProfileImport
import Replay
import Results
import TerminalUI

/// `trnbench replay`
struct ReplayCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run a profile's program on the model, beside what was measured.",
    usage: "trnbench replay <report> [<options>]",
    discussion: """
      Rebuilds each engine's instructions, semaphores and transfers from the operands in the \
      vendor profiler's JSON, runs them on the model in timing mode, and compares. Both sides \
      are also written as traces with one program table, cut to the time from the first trigger \
      to the end of the last computation, so that 'trnbench trace diff' shows where they part and \
      its parts add up to the difference of the totals. The capture gives the program and the phase of the activity limiter; with \
      --measured-dma also when each transfer arrived.

      EXAMPLES
        trnbench replay profile.json.gz --device trn2
        trnbench replay profile.json.gz --measured-dma --by instruction
        trnbench replay profile.json.gz --output replay --format json

      EXIT CODES
        0  done    3  the rebuilt program did not end    65  the file is damaged
       64  no kernel in it, or the wrong device    74  a file cannot be read or written
      """)

  /// What a table has a row for.
  enum Grouping: String, CaseIterable { case engine, opcode, instruction }

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The report, .json or .json.gz.", valueName: "report"),
    completion: .file(extensions: ["json", "gz"]))
  var file: String

  @Option(
    help: ArgumentHelp("The device to run on. (default: the report's)", valueName: "name"),
    completion: .list(DeviceNames.all))
  var device: String?

  @Flag(help: "Transfers arrive when the capture saw them, not when the model says.")
  var measuredDma = false

  @Option(
    help: ArgumentHelp("engine, opcode or instruction. (default: opcode)", valueName: "what"),
    completion: .list(Grouping.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var by: Grouping = .opcode

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp("Where the two traces go. (default: Results/replay)", valueName: "folder"),
    completion: .directory)
  var folder: String = "Results/replay"

  /// Replays, prints and writes the traces.
  func execute(_ context: CommandContext) throws -> Outcome {
    let report = try ProfileReport(path: context.environment.url(file).path)
    let name = device ?? (report.device.isEmpty ? "trn2" : report.device)
    let replay = try Replay(
      report, on: DeviceNames.device(name, context.environment),
      usesMeasuredTransfers: measuredDma)
    let traces = ReplayTraces(replay, tool: "trnbench \(TrnbenchCommand.version)")
    let paths = try write(traces, context)
    let tables = ReplayTables(replay: replay, missingTransfers: traces.missingTransfers)
    switch by {
    case .engine: try context.show(tables.engines(), key: "engines")
    case .instruction: try context.show(tables.instructions(), key: "instructions")
    case .opcode:
      if context.isForPeople {
        try context.show(tables.engines(), key: "engines")
        try context.line("")
      }
      try context.show(tables.opcodes(), key: "opcodes")
    }
    for note in tables.notes() { try context.note(note) }
    for path in paths { try context.line(path) }
    return .done
  }

  private func write(_ traces: ReplayTraces, _ context: CommandContext) throws -> [String] {
    let target = context.environment.url(folder)
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    var stem = URL(fileURLWithPath: file).lastPathComponent
    for suffix in [".gz", ".json"] where stem.hasSuffix(suffix) {
      stem.removeLast(suffix.count)
    }
    if measuredDma { stem += ".measured-dma" }
    let measured = target.appendingPathComponent("\(stem).measured.trntrace").path
    let model = target.appendingPathComponent("\(stem).model.trntrace").path
    try traces.writeMeasured(to: measured)
    try traces.writeModel(to: model)
    return [measured, model]
  }
}
