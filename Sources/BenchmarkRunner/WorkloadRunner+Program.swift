import Foundation
import Hardware
package import InstructionSet
import NeuronCore
import NumericFormats
import Results
import WorkloadCatalog

extension WorkloadRunner {
  /// Runs a program that no workload describes, such as one from assembly text, and saves its
  /// result. Its tensors begin as zeros and nothing is known of what they should become, so that
  /// values are not checked. Throws `RunnerError`.
  package func run(
    program: Program, name: String, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws(RunnerError) -> WorkloadReport {
    try named(variant(precision: nil)).execute(program, name, progress, isCancelled)
  }

  private func execute(
    _ program: Program, _ name: String, _ progress: (String, Double?) -> Void,
    _ isCancelled: () -> Bool
  ) throws(RunnerError) -> WorkloadReport {
    let started = Date()
    let mode = options.mode ?? .functional
    try refuseRoundingWithoutValues(mode, name)
    let trace = try TraceRequest.make(
      options, workload: name, mode: mode, precision: .bfloat16, program: program)
    let loaded = try GraphRun.load(program, options.device)
    var timings: [HostTiming] = []
    var totals: NeuronCore.RunTotals?
    for index in 0..<max(1, options.repeats) {
      progress("running", Double(index) / Double(max(1, options.repeats)))
      // The times repeat exactly, so that one trace is enough.
      let run = try ProgramRun(
        loaded, computes: mode == .functional, options: options,
        traceFile: index == 0 ? trace : nil, isCancelled: isCancelled, prepare: { _ in })
      timings.append(run.timing)
      totals = run.totals
    }
    guard let totals else { throw .failed("\(name) did not run") }
    var outcome = WorkOutcome(
      metrics: [:], description: WorkDescription(), instructions: Int64(totals.instructions))
    outcome.programs = [program]
    var result = result(program, totals, timings, name: name, mode: mode, started: started)
    result.model = try modelReport(outcome, name, progress, isCancelled)
    do {
      let file = try ResultStore(root: options.output).save(result)
      return WorkloadReport(result: result, file: file, numerics: [], laws: [])
    } catch { throw .results(error) }
  }

  private func result(
    _ program: Program, _ totals: NeuronCore.RunTotals, _ timings: [HostTiming], name: String,
    mode: RunMode, started: Date
  ) -> RunResult {
    let metrics = SimulatedMetrics(
      device: options.device, totals: totals, modelFlops: 0,
      amount: (Double(totals.instructions), ThroughputUnit.instructions.rawValue),
      precision: .bfloat16
    ).metrics.merging(HostTiming.metrics(timings)) { first, _ in first }
    var work = WorkDescription()
    work.bytes = totals.hbmReadBytes + totals.hbmWriteBytes
    work.hbmFootprintBytes = Int64(program.hbmBytes)
    return RunResult(
      workload: name, device: options.device.identity, mode: mode,
      variant: options.variant, seed: options.seed, source: options.source,
      started: started.formatted(.iso8601),
      host: HostMachine.current().facts,
      metrics: metrics, work: work, numerics: .unchecked,
      model: ModelReport(
        instructions: Int64(totals.instructions)),
      trace: options.trace == .off ? nil : TraceRequest.path(options, workload: name))
  }
}
