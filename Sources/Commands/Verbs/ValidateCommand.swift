import ArgumentParser
import BenchmarkRunner
import Hardware
import Results
import TerminalUI
import WorkloadCatalog

/// `trnbench validate`
struct ValidateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Compare the model with published measurements of the hardware.",
    usage: "trnbench validate [<options>]",
    discussion: """
      Runs a small program on the model for each measurement in Workloads/calibration and prints \
      how far the two are apart, by the letters of the measurements' ids. A set is such letters: \
      \(ValidationTable.legend)

      EXAMPLES
        trnbench validate
        trnbench validate --set ANI --points
        trnbench validate --set AKI --device my-trn2.yaml
        trnbench validate --format json
      """)

  @OptionGroup var output: OutputOptions

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Only measurements whose ids begin with this.", valueName: "name"))
  var sets: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only measurements of this device; a device file stands in for what it extends.",
      valueName: "name"),
    completion: .list(DeviceNames.all))
  var device: String?

  @Flag(help: "Show every measurement, and what is left out and why.")
  var points = false

  /// Runs every row that is not left out and prints the errors.
  func execute(_ context: CommandContext) throws -> Outcome {
    let environment = context.environment
    let variant = try device.map { try DeviceNames.device($0, environment) }
    let rows = try rows(environment, variant)
    environment.watchInterrupts(environment.interruption)
    var devices = Device.all
    if let variant { devices.insert(variant, at: 0) }
    let interruption = environment.interruption
    let measured = try CalibrationRun(devices: devices).points(
      rows, isCancelled: { interruption.isRequested })
    let summary = CalibrationSummary(rows: rows, points: measured)
    if context.format == .json {
      let document = ValidationDocument(summary, points: measured)
      try context.write(String(decoding: try ResultDocument.encode(document), as: UTF8.self))
      return .done
    }
    try print(summary, context)
    return .done
  }

  private func rows(
    _ environment: CommandEnvironment, _ variant: Device?
  ) throws -> [CalibrationRow] {
    let folder = try Places(environment).workloads() + "/calibration"
    var rows = try CalibrationCatalog.rows(in: folder)
    let known = Set(rows.map(\.prefix)).sorted()
    for name in sets where !known.contains(name.uppercased()) {
      throw CommandFailure.badWord(
        option: "--set", found: name, nearest: closestMatch(name.uppercased(), in: known),
        known: known)
    }
    let wanted = Set(sets.map { $0.uppercased() })
    if !wanted.isEmpty { rows = rows.filter { wanted.contains($0.prefix) } }
    guard let variant else { return rows }
    let name = variant.baseName ?? variant.name
    rows = rows.filter { $0.device == name }
    guard !rows.isEmpty else {
      throw CommandFailure.unsupported(
        what: "no measurements of \(name)\(sets.isEmpty ? "" : " in these sets")",
        advice: "'trnbench validate' lists the devices that were measured")
    }
    return rows
  }

  private func print(_ summary: CalibrationSummary, _ context: CommandContext) throws {
    let view = ValidationTable(summary: summary)
    if points || !context.isForPeople {
      try context.show(points ? view.points() : view.groups())
      if !context.isForPeople { return }
      try context.note("")
    }
    try context.show(view.groups())
    try context.note("")
    for line in view.notes(everyReason: points) { try context.note(line) }
  }
}
