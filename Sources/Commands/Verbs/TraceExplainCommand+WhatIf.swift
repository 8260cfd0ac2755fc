import BenchmarkRunner
import Foundation
import Hardware
import InstructionSet
import Results
import TerminalUI
import TraceAnalysis
import TraceFile

extension TraceExplainCommand {
  /// Times what was recorded on the machine as it is and as it might be.
  func retime(_ context: CommandContext) throws -> Outcome {
    let url = context.environment.url(file)
    if let cores = try CoreTraces(url, name: file) {
      return try retime(cores, showing: core.map(String.init), context)
    }
    let path = try CoreTraces.path(url, name: file, core: core)
    let reader = try TraceReader(path: path)
    typealias Key = TraceMetadata.Key
    let entries = reader.metadata.entries
    // A core of several does not run without the others, whose traces lie beside its own.
    if entries[Key.coreCount].map({ $0 != "1" }) ?? false,
      let cores = try CoreTraces(url.deletingLastPathComponent(), name: file)
    {
      return try retime(cores, showing: entries[Key.core], context)
    }
    guard let recorded = try EmbeddedProgram(reader) else {
      if try context.report(reader.damage, of: file) == .damagedFile { return .damagedFile }
      throw CoreTraces.withoutProgram(file)
    }
    let (device, changed) = try machines(entries, context)
    let difference = try WhatIf(recorded: recorded.program, device: device, changed: changed)
      .difference(cells: cells(context), isCancelled: isCancelled(context))
    try show(difference, on: device, context)
    return try context.report(reader.damage, of: file)
  }

  /// Times all cores together and shows one of them or all.
  private func retime(
    _ cores: CoreTraces, showing core: String?, _ context: CommandContext
  ) throws -> Outcome {
    let numbers = cores.items.map(\.core)
    if let core, !numbers.contains(core) {
      throw CommandFailure.badValue(
        option: "--core", found: core, expected: "one of \(numbers.joined(separator: ", "))")
    }
    let entries = try TraceReader.metadata(ofFile: cores.items[0].path).entries
    let (device, changed) = try machines(entries, context)
    let recorded = try cores.chipProgram(name: file)
    let differences = try WhatIf(recorded: recorded, device: device, changed: changed)
      .differences(cells: cells(context), isCancelled: isCancelled(context))
    if let own = differences.cores.first(where: { $0.core == core }) {
      try show(own.difference, on: device, context)
    } else {
      try show(differences, on: device, context)
    }
    return Outcome.gravest(
      try cores.items.map { item in
        try context.report(TraceReader(path: item.path).damage, of: item.path)
      })
  }

  /// The machine that a trace names, and what the changes make of it.
  private func machines(
    _ entries: [String: String], _ context: CommandContext
  ) throws -> (asItIs: Device, changed: Device) {
    let changes = try whatIf.map { try MachineChange($0) }
    let device = try DeviceNames.device(
      entries[TraceMetadata.Key.device] ?? "trn2", context.environment)
    var changed = device
    for change in changes { try change.apply(to: &changed) }
    try changed.checkLimits()
    return (device, changed)
  }

  private func cells(_ context: CommandContext) -> Int {
    DifferenceTable.cells(width: context.terminal.width)
  }

  private func isCancelled(_ context: CommandContext) -> () -> Bool {
    let environment = context.environment
    environment.watchInterrupts(environment.interruption)
    return { environment.interruption.isRequested }
  }

  private func names(_ device: Device) -> (base: String, new: String) {
    (device.name, whatIf.joined(separator: " "))
  }

  private func limit(_ context: CommandContext) -> Int? { context.format == .csv ? nil : 15 }

  private func show(
    _ difference: TraceDifference, on device: Device, _ context: CommandContext
  ) throws {
    if context.format == .json {
      let document = try DifferenceDocument(difference).json()
      return try context.write(String(decoding: document, as: UTF8.self) + "\n")
    }
    let table = DifferenceTable(difference: difference, limit: limit(context))
    if context.format == .table {
      let head = table.head(
        width: context.terminal.width, names: names(device), isASCII: context.terminal.isASCII)
      try context.write(head.map { $0 + "\n" }.joined())
      try context.write("\n\(table.title(.path))\n")
    }
    try context.show(table.table(.path))
  }

  private func show(
    _ differences: CoreDifferences, on device: Device, _ context: CommandContext
  ) throws {
    if context.format == .json {
      let document = try CoreDifferencesDocument(differences).json()
      return try context.write(String(decoding: document, as: UTF8.self) + "\n")
    }
    let table = CoreDifferenceTable(differences: differences, limit: limit(context))
    if context.format == .table {
      try context.write(table.head(names: names(device)).map { $0 + "\n" }.joined())
      try context.write("\n\(table.title(.path))\n")
    }
    try context.show(table.table(.path))
  }
}
