package import BenchmarkRunner
package import Foundation
package import InstructionSet
package import Results
package import WorkloadCatalog

/// One thing to run on one device.
package struct RunItem: Sendable {
  /// What is run.
  package enum Work: Sendable {
    /// A workload of the catalog.
    case workload(WorkloadSpecification, WorkloadCatalog)
    /// An assembled program.
    case program(Program)
    /// A model file.
    case model(ModelSource)
    /// Assembled programs of several cores.
    case chip(ChipProgram)
  }

  /// `family/name`, or the program's file without its folder and ending.
  package var name: String
  /// What is run.
  package var work: Work
  /// Device, mode, seed, repetitions, trace.
  package var options: RunOptions
}

/// One quantity that a micro workload measured, beside what is published.
package struct MeasuredLaw: Hashable, Sendable {
  /// The micro-program.
  package var name: String
  /// What was measured of it, such as `interval`.
  package var quantity: String
  /// The model's value.
  package var nanoseconds: Double
  /// What is published for the same, in nanoseconds, if anything is.
  package var published: ClosedRange<Double>?
  /// Where the published number comes from.
  package var source: String

  package init(
    name: String, quantity: String, nanoseconds: Double, published: ClosedRange<Double>?,
    source: String
  ) {
    self.name = name
    self.quantity = quantity
    self.nanoseconds = nanoseconds
    self.published = published
    self.source = source
  }
}

/// What is printed of one finished run.
package struct FinishedRun: Sendable {
  /// The result as it was saved.
  package var result: RunResult
  /// The file it was saved in.
  package var file: URL?
  /// One line per check of a kernel's output.
  package var numerics: [String]
  /// What micro workloads measured.
  package var laws: [MeasuredLaw]

  package init(
    result: RunResult, file: URL? = nil, numerics: [String] = [], laws: [MeasuredLaw] = []
  ) {
    self.result = result
    self.file = file
    self.numerics = numerics
    self.laws = laws
  }

  /// What the runner hands back.
  init(_ report: WorkloadReport) {
    self.init(
      result: report.result, file: report.file, numerics: report.numerics,
      laws: report.laws.map { law in
        MeasuredLaw(
          name: law.name, quantity: law.quantity, nanoseconds: law.nanoseconds,
          published: law.published, source: law.source)
      })
  }
}

/// Runs one thing: the real machinery, or what a test puts in its place.
package protocol WorkloadExecutor: Sendable {
  /// Runs, checks and saves. `progress` is told the phase and how much of it is done.
  func execute(
    _ item: RunItem, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws -> FinishedRun
}

/// Runs on the model.
package struct BenchmarkExecutor: WorkloadExecutor {
  /// Keeps no state of its own.
  package init() {}

  /// Hands the item to `BenchmarkRunner`. Throws `RunnerError`.
  package func execute(
    _ item: RunItem, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws -> FinishedRun {
    switch item.work {
    case .workload(let specification, let catalog):
      let runner = WorkloadRunner(options: item.options, catalog: catalog)
      return FinishedRun(
        try runner.run(specification, progress: progress, isCancelled: isCancelled))
    case .program(let program):
      let runner = WorkloadRunner(options: item.options)
      return FinishedRun(
        try runner.run(
          program: program, name: item.name, progress: progress, isCancelled: isCancelled))
    case .model(let source):
      let runner = WorkloadRunner(options: item.options)
      return FinishedRun(
        try runner.run(model: source, progress: progress, isCancelled: isCancelled))
    case .chip(let program):
      let runner = WorkloadRunner(options: item.options)
      return FinishedRun(
        try runner.run(
          chip: program, name: item.name, progress: progress, isCancelled: isCancelled))
    }
  }
}
