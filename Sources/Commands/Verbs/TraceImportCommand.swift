import ArgumentParser
import BenchmarkRunner
import Foundation
import Hardware
import NumericFormats
import ProfileImport
import Replay
import Results
import TerminalUI

/// `trnbench trace import`
struct TraceImportCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turn the vendor profiler's JSON into a trace.",
    usage: "trnbench trace import <report> --output <file> [<options>]",
    discussion: """
      Reads what 'neuron-profile view --output-format json' writes, gzipped or not. The core that \
      did the work goes onto the tracks of a trace, so that every verb that reads traces works on \
      it; all other rows are kept as tables inside. The report's own summary is printed beside the \
      same numbers worked out again from its rows, here and by 'trnbench trace summary'.

      EXAMPLES
        trnbench trace import profile.json.gz --output profile.trntrace
        trnbench trace summary profile.trntrace

      EXIT CODES
        0  done    64  not a profiler's report    65  the file is cut or damaged
       74  it cannot be read, or the trace not written
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The report.", valueName: "report"),
    completion: .file(extensions: ["json", "gz"]))
  var file: String

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp("Where the trace goes.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var target: String

  /// Writes the trace and prints both summaries.
  func execute(_ context: CommandContext) throws -> Outcome {
    try context.environment.checkDistinct(input: file, output: target)
    let report = try ProfileReport(path: context.environment.url(file).path)
    let path = context.environment.url(target).path
    let contents = try ProfileTrace(report).write(
      to: path, tool: "trnbench \(TrnbenchCommand.version)",
      peaks: Self.peaks(report, context.environment))
    let numbers = ProfileMeasures(report).compared(with: report)
    try context.show(StatedNumbersTable.table(numbers), key: "summary")
    try context.note(
      "\(contents.rows) rows: \(contents.instructions) instructions and \(contents.descriptors) "
        + "descriptors of core '\(report.mainCore)' on tracks, \(contents.tableRows) in tables")
    try context.line(path)
    return .done
  }

  /// What the report's device could do at best, in the format of most of its products; nil where it
  /// names no device that is known.
  private static func peaks(
    _ report: ProfileReport, _ environment: CommandEnvironment
  ) -> ProfileTrace.Peaks? {
    guard let device = try? DeviceNames.device(report.device, environment) else { return nil }
    let format = report.productFormat ?? .bfloat16
    return ProfileTrace.Peaks(
      flops: device.tensorPeak(for: format),
      hbmBytes: device.hbmBytesPerMicrosecondPerCore * 1_000_000)
  }
}
