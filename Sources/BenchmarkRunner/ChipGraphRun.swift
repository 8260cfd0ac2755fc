import CoreState
import Dispatch
import Foundation
import Hardware
import InstructionSet
import Lowering
import ModelGraph
import NeuronChip
import NeuronCore
import Results
import Units
import WorkloadCatalog

/// Runs a graph that several cores of one chip work on together: each has its part of the weights,
/// and collectives of the chip add up what they contribute.
///
/// All cores run one program, lowered once. `ChipVerification` says how values are checked.
struct ChipGraphRun {
  private let runner: WorkloadRunner
  private let workload: WorkloadSpecification
  private var options: RunOptions { runner.options }

  init(_ runner: WorkloadRunner, _ workload: WorkloadSpecification) {
    self.runner = runner
    self.workload = workload
  }

  func run(_ progress: (String, Double?) -> Void, _ isCancelled: () -> Bool) throws(RunnerError)
    -> WorkOutcome
  {
    try refuseOptions()
    let mode = runner.mode(of: workload)
    progress("lowering", nil)
    let (lowered, whole) = try lower(mode)
    let program = ChipProgram(everyCore: lowered.program, count: workload.coreCount)
    let loaded: LoadedChip
    do { loaded = try LoadedChip(program, device: options.device) } catch {
      throw .illegalProgram(error.description)
    }
    let model = SplitModel(lowered: lowered, whole: whole, ranks: workload.coreCount)
    var timings: [HostTiming] = []
    var outcome: WorkOutcome?
    for _ in 0..<max(1, options.repeats) {
      progress("running", nil)
      // The times repeat exactly, so that one trace is enough.
      let recording = outcome == nil ? try recording(loaded, mode, lowered, whole) : nil
      var chip = try chip(loaded, computes: mode == .functional, recording?.watch ?? .nothing)
      if mode == .functional { model.fill(chip, seed: options.seed) }
      let start = DispatchTime.now().uptimeNanoseconds
      let totals = try totals(&chip, recording, isCancelled)
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
      timings.append(HostTiming(seconds: seconds, instructions: totals.instructions))
      guard outcome == nil else { continue }
      var first = describe(model, totals)
      first.trace = recording?.folder
      if mode == .functional {
        progress("checking", nil)
        try verify(model, chip, &first, isCancelled)
      }
      outcome = first
    }
    for (name, metric) in HostTiming.metrics(timings) { outcome!.metrics[name] = metric }
    return outcome!
  }

  /// What needs a core by itself.
  private func refuseOptions() throws(RunnerError) {
    let name = "\(workload.name) runs on \(workload.coreCount) cores"
    guard !options.computesUncertainty else {
      throw .badInput("\(name), and --uncertainty times one core; leave it out")
    }
    guard options.rounding == .nearest else {
      throw .badInput("\(name), which round to nearest; leave --rounding out")
    }
    let limit = options.device.memory.coresPerChip.value
    guard workload.coreCount <= limit else {
      throw .badInput(
        "\(name), and a chip of \(options.device.name) has \(limit): it would need "
          + "\((workload.coreCount + limit - 1) / limit) chips, which this model does not join")
    }
  }

  /// The program of one rank and the graph of the whole model.
  private func lower(_ mode: RunMode) throws(RunnerError) -> (LoweredGraph, Graph) {
    do {
      guard let graph = try workload.graph(), let whole = try workload.wholeGraph() else {
        throw RunnerError.badInput("\(workload.name) has no graph")
      }
      let lowered = try Lowerer(device: options.device, coresOnStack: coresOnStack).lower(
        graph, keepsIntermediates: mode == .functional)
      return (lowered, whole)
    } catch let error as RunnerError { throw error } catch LoweringError.tooLarge(let overflow) {
      let text = overflow.text(
        ranks: workload.coreCount, coresPerChip: options.device.memory.coresPerChip.value)
      throw .badInput("\(workload.name) on \(options.device.name): \(text)")
    } catch {
      throw .badInput("\(workload.name): \(error)")
    }
  }

  /// Cores that share a stack of HBM in this run.
  private var coresOnStack: Int {
    min(options.device.memory.coresPerStack.value, workload.coreCount)
  }

  /// The traces of all cores. The whole model's operations are theirs together.
  private func recording(
    _ loaded: LoadedChip, _ mode: RunMode, _ lowered: LoweredGraph, _ whole: Graph
  ) throws(RunnerError) -> ChipRecording? {
    try ChipRecording(
      options, workload: workload.name, mode: mode, precision: workload.precision, loaded: loaded,
      labels: lowered.labels, modelFlops: Int64(whole.operationCount))
  }

  private func chip(
    _ loaded: LoadedChip, computes: Bool, _ watch: ChipWatch
  ) throws(RunnerError) -> ChipModel {
    do {
      return try ChipModel(
        loaded, computes: computes, checksHazards: options.checksHazards, watch: watch)
    } catch { throw Self.runnerError(error) }
  }

  private func totals(
    _ chip: inout ChipModel, _ recording: ChipRecording?, _ isCancelled: () -> Bool
  ) throws(RunnerError) -> ChipTotals {
    let totals: ChipTotals
    do {
      totals = try chip.run(
        threads: ProcessInfo.processInfo.activeProcessorCount, isCancelled: isCancelled)
    } catch {
      // What was recorded before a failure is kept.
      try recording?.finish(nil)
      throw Self.runnerError(error)
    }
    try recording?.finish(totals)
    return totals
  }

  private static func runnerError(_ error: ChipError) -> RunnerError {
    switch error {
    case .cancelled: .cancelled
    case .memory(let reason): .memory(reason.description)
    default: .failed(error.description)
    }
  }

  private func describe(_ model: SplitModel, _ totals: ChipTotals) -> WorkOutcome {
    let flops = Int64(model.wholeGraph.operationCount)
    let all = NeuronCore.RunTotals(beside: totals.cores.map(\.totals))
    var metrics = SimulatedMetrics(
      device: options.device, totals: all, modelFlops: flops,
      amount: (
        workload.throughputAmount(model.lowered.graph) ?? Double(flops),
        workload.throughput.rawValue
      ), precision: workload.precision)
    metrics.coreCount = model.ranks
    var description = WorkDescription()
    description.flops = flops
    description.bytes = all.hbmReadBytes + all.hbmWriteBytes
    description.cores = model.ranks
    description.hbmFootprintBytes = Int64(model.lowered.footprintBytes * model.ranks)
    description.coverage = Coverage(model.lowered.coverage)
    var outcome = WorkOutcome(
      metrics: metrics.metrics, description: description,
      instructions: Int64(totals.instructions))
    outcome.reports = WorkloadRunner.lines(totals) + kernelLines(model.lowered, totals)
    return outcome
  }

  /// Where the first core's time went: its kernels, the longest first. Invocations follow each
  /// other, so that each lasts from the end of the one before to its own.
  private func kernelLines(_ lowered: LoweredGraph, _ totals: ChipTotals) -> [String] {
    guard let core = totals.cores.first else { return [] }
    var times: [String: (count: Int, picoseconds: Int64)] = [:]
    var last: Int64 = 0
    for (step, end) in zip(lowered.steps, core.totals.invocationEnds) {
      times[step.kernel, default: (0, 0)].count += 1
      times[step.kernel, default: (0, 0)].picoseconds += max(0, end.value - last)
      last = max(last, end.value)
    }
    let sorted = times.sorted { ($1.value.picoseconds, $0.key) < ($0.value.picoseconds, $1.key) }
    return sorted.prefix(Self.shownKernels).map { kernel, time in
      "core \(core.number): \(kernel): \(time.count) times, "
        + String(format: "%.3f us", Double(time.picoseconds) / 1e6)
    }
  }

  private static let shownKernels = 12

  private func verify(
    _ model: SplitModel, _ chip: borrowing ChipModel, _ outcome: inout WorkOutcome,
    _ isCancelled: () -> Bool
  ) throws(RunnerError) {
    do {
      let verification = ChipVerification(
        model, checker: workload.checker(for: options), seed: options.seed)
      let reports = try verification.reports(chip, isCancelled)
      if isCancelled() { throw RunnerError.cancelled }
      outcome.reports += reports.map(\.summary) + (try verification.likeness(chip))
      outcome.numerics = Results.NumericsReport(
        reports, reference: "float64, kernel by kernel on each core; the split against the whole")
    } catch let error as RunnerError { throw error } catch {
      throw .badInput("\(workload.name): \(error)")
    }
  }
}
