package import Foundation
import Hardware
import InstructionSet
import ModelGraph
import NeuronCore
package import Results
package import WorkloadCatalog
import NumericFormats

/// What one workload's run brought.
package struct WorkloadReport: Sendable {
  /// The result as it was saved.
  package var result: RunResult
  /// The file it was saved in.
  package var file: URL?
  /// One line per check of a kernel's output.
  package var numerics: [String]
  /// Quantities of a micro workload beside what is published.
  package var laws: [LawMeasurement]
}

/// Runs workloads: builds the program, executes it, checks the values, measures, saves the result.
package struct WorkloadRunner {
  private(set) var options: RunOptions
  let catalog: WorkloadCatalog

  /// A runner over a catalog; model and program files need none.
  package init(options: RunOptions, catalog: WorkloadCatalog = WorkloadCatalog()) {
    self.options = options
    self.catalog = catalog
  }

  /// Runs one workload and saves its result.
  ///
  /// - Parameters:
  ///   - progress: the phase, and how much of it is done where that is known.
  ///   - isCancelled: asked now and then; true ends the run.
  package func run(
    _ workload: WorkloadSpecification, progress: (String, Double?) -> Void,
    isCancelled: () -> Bool
  ) throws(RunnerError) -> WorkloadReport {
    let started = Date()
    try refuseRoundingWithoutValues(mode(of: workload), workload.name)
    let work: WorkOutcome
    let runner = named(variant(of: workload))
    switch workload.body {
    case .micro(let programs):
      work = try MicroRun(runner, workload).run(programs, progress, isCancelled)
    case .training(let parameters):
      work = try TrainingRun(runner, workload, parameters).run(progress, isCancelled)
    case .layer where workload.coreCount > 1, .model where workload.coreCount > 1:
      work = try ChipGraphRun(runner, workload).run(progress, isCancelled)
    case .kernel, .layer, .model, .network:
      work = try GraphRun(runner, workload).run(progress, isCancelled)
    }
    let model = try modelReport(work, workload.name, progress, isCancelled)
    return try save(work, model, of: workload, started: started)
  }

  /// The mode in which a workload runs: as asked, else as its file says.
  func mode(of workload: WorkloadSpecification) -> RunMode {
    options.mode ?? (workload.defaultMode == .timing ? .timing : .functional)
  }

  /// This runner for a run that differs from the usual one by so much.
  func named(_ variant: String?) -> WorkloadRunner {
    var runner = self
    runner.options.variant = variant
    return runner
  }

  /// Another number format than the file's, or another rounding, makes another result: it never
  /// replaces the usual one.
  private func variant(of workload: WorkloadSpecification) -> String? {
    let usual = try? catalog.specification(named: workload.name).precision
    let isUsual = usual == nil || usual == workload.precision
    return variant(precision: isUsual ? nil : workload.precision.name)
  }

  /// The variant of a run with that number format, nil for the usual one, and with the options'
  /// rounding.
  func variant(precision: String?) -> String? {
    let names = [precision, options.rounding.variant].compactMap { $0 }
    return names.isEmpty ? nil : names.joined(separator: "+")
  }

  /// Where no value is computed none is rounded, and the times are the same.
  func refuseRoundingWithoutValues(_ mode: RunMode, _ name: String) throws(RunnerError) {
    guard mode == .timing, options.rounding != .nearest else { return }
    throw .badInput(
      "\(name) runs in timing mode, which stores no values to round; "
        + "add --mode functional, or leave --rounding out: it does not change the times")
  }

  /// What the model says about itself; with the uncertainty, only constants that moved the time.
  func modelReport(
    _ work: WorkOutcome, _ name: String, _ progress: (String, Double?) -> Void,
    _ isCancelled: () -> Bool
  ) throws(RunnerError) -> ModelReport {
    let usual = ModelReport(
      instructions: work.instructions,
      assumedConstants: options.device.constants().filter { $0.confidence == .assumed }
        .map(\.path))
    guard options.computesUncertainty else { return usual }
    let uncertainty: Uncertainty
    do {
      uncertainty = try Uncertainty(
        of: work.programs, on: options.device, progress: progress, isCancelled: isCancelled)
    } catch {
      // Where values decide what runs there is nothing to time alone: the field stays null.
      guard case .failed = error else { throw error }
      return usual
    }
    return ModelReport(
      instructions: work.instructions, assumedConstants: uncertainty.constants,
      uncertaintyPercent: uncertainty.percent)
  }

  private func save(
    _ work: WorkOutcome, _ model: ModelReport, of workload: WorkloadSpecification, started: Date
  ) throws(RunnerError) -> WorkloadReport {
    var description = work.description
    description.workloadVersion = "\(workload.version)"
    description.precision = workload.precision.name
    let result = RunResult(
      workload: workload.name, device: options.device.identity, mode: mode(of: workload),
      variant: variant(of: workload), seed: options.seed, source: options.source,
      started: started.formatted(.iso8601),
      host: HostMachine.current().facts, metrics: work.metrics, work: description,
      numerics: work.numerics, model: model, trace: work.trace)
    do {
      let file = try ResultStore(root: options.output).save(result)
      return WorkloadReport(
        result: result, file: file, numerics: work.reports, laws: work.laws)
    } catch { throw .results(error) }
  }
}

/// What a kind of run hands back to be saved.
struct WorkOutcome {
  var metrics: [String: Metric]
  var description: WorkDescription
  var numerics: Results.NumericsReport = .unchecked
  var reports: [String] = []
  var laws: [LawMeasurement] = []
  var instructions: Int64
  var trace: String?
  /// What ran, for running it again on another device.
  var programs: [Program] = []
}
