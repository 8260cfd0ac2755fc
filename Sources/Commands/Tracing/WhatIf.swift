import BenchmarkRunner
import Foundation
import Hardware
import InstructionSet
import Results
import TraceAnalysis
import TraceFile

/// What was recorded, on a changed machine beside the machine as it is.
struct WhatIf<Recorded> {
  /// The program that the trace carries, or those of several cores.
  let recorded: Recorded
  /// The machine as it is.
  let device: Device
  /// The machine as it might be.
  let changed: Device

  /// Runs on both machines and compares the traces that `run` leaves, at the paths that it returns.
  private func compare<Difference>(
    _ run: (WorkloadRunner) throws -> WorkloadReport,
    _ compare: (_ base: String, _ new: String) throws -> Difference
  ) throws -> Difference {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("trnbench-what-if-" + UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = try [("as-it-is", device), ("changed", changed)].map { name, device in
      var options = RunOptions(device: device)
      options.mode = .timing
      options.trace = .events
      options.output = folder.appendingPathComponent(name)
      return try run(WorkloadRunner(options: options)).result.trace ?? ""
    }
    return try compare(paths[0], paths[1])
  }
}

extension WhatIf where Recorded == Program {
  /// Times the program on both machines; `cells` is the length of the strips.
  func difference(cells: Int, isCancelled: () -> Bool) throws -> TraceDifference {
    try compare({ runner in
      try runner.run(
        program: recorded, name: RunResult.programPrefix + "recorded", progress: { _, _ in },
        isCancelled: isCancelled)
    }) { base, new in
      try TraceDifference(
        base: TraceReader(path: base), new: TraceReader(path: new), cells: cells)
    }
  }
}

extension WhatIf where Recorded == ChipProgram {
  /// Times all cores together on both machines, as the recorded run did: they share their stacks of
  /// HBM and meet, so that the cores and collectives of the changed machine take its time.
  func differences(cells: Int, isCancelled: () -> Bool) throws -> CoreDifferences {
    try compare({ runner in
      try runner.run(
        chip: recorded, name: RunResult.programPrefix + "recorded", progress: { _, _ in },
        isCancelled: isCancelled)
    }) { base, new in
      let folders = try [base, new].map { path in
        try CoreTraces(URL(fileURLWithPath: path), name: path)?.items ?? []
      }
      return CoreDifferences(
        try zip(folders[0], folders[1]).map { before, after in
          let difference = try TraceDifference(
            base: TraceReader(path: before.path), new: TraceReader(path: after.path), cells: cells)
          return (before.core, difference)
        })
    }
  }
}
