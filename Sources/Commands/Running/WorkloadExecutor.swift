package import BenchmarkRunner
import InstructionSet
package import WorkloadCatalog

/// One thing to run on one device.
package struct RunItem: Sendable {
  /// What is run.
  package enum Work: Sendable {
    /// A workload of the catalog.
    case workload(WorkloadSpecification, WorkloadCatalog)
    /// An assembled program.
    case program(AssembledProgram)
  }

  /// `family/name`, or the program's file without its folder and ending.
  package var name: String
  /// What is run.
  package var work: Work
  /// Device, mode, seed, repetitions, trace.
  package var options: RunOptions
}

/// Runs one thing: the real machinery, or what a test puts in its place.
package protocol WorkloadExecutor: Sendable {
  /// Runs, checks and saves. `progress` is told the phase and how much of it is done.
  func execute(
    _ item: RunItem, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws -> WorkloadReport
}

/// Runs on the model.
package struct BenchmarkExecutor: WorkloadExecutor {
  package init() {}

  /// Hands the item to `BenchmarkRunner`. Throws `RunnerError`.
  package func execute(
    _ item: RunItem, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws -> WorkloadReport {
    switch item.work {
    case .workload(let specification, let catalog):
      let runner = WorkloadRunner(options: item.options, catalog: catalog)
      return try runner.run(specification, progress: progress, isCancelled: isCancelled)
    case .program(let program):
      let runner = WorkloadRunner(options: item.options, catalog: program.catalog)
      return try runner.run(program: program.program, name: item.name)
    }
  }
}
