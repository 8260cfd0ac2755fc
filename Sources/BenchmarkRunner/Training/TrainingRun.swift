import CoreState
import Foundation
import InstructionSet
import Lowering
import ModelGraph
import NeuronCore
import NumericFormats
import Results
import Units
import WorkloadCatalog
import Hardware

/// Trains a network on the modelled core and reports when it reaches its target.
///
/// One program holds every step of every epoch, each followed by a pass over the held-out examples:
/// forward, backward and update are all instructions of the device. The host only measures what the
/// logits in HBM say of held-out examples.
struct TrainingRun {
  private let runner: WorkloadRunner
  private let workload: WorkloadSpecification
  private let parameters: TrainingParameters

  init(
    _ runner: WorkloadRunner, _ workload: WorkloadSpecification, _ parameters: TrainingParameters
  ) {
    var options = runner.options
    // What the workload's file says is the usual rounding; the command line may ask for another.
    if parameters.roundsStochastically, options.rounding == .nearest {
      options.rounding = .stochastic
    }
    self.runner = WorkloadRunner(options: options, catalog: runner.catalog)
    self.workload = workload
    self.parameters = parameters
  }

  func run(_ progress: (String, Double?) -> Void, _ isCancelled: () -> Bool) throws(RunnerError)
    -> WorkOutcome
  {
    let mode = runner.mode(of: workload)
    progress("lowering", nil)
    let examples = try LabelledExamples(
      parameters.task, root: runner.catalog.root, seed: runner.options.seed)
    let plan = try TrainingPlan(
      workload, parameters, examples: examples, options: runner.options)
    let trace = try TraceRequest.make(
      runner.options, workload: workload.name, mode: mode, precision: workload.precision,
      program: plan.program)
    let loaded = try GraphRun.load(plan.program, runner.options.device)
    progress("training", nil)
    let run = try ProgramRun(
      loaded, computes: mode == .functional, options: runner.options,
      traceFile: trace, isCancelled: isCancelled, prepare: { core in plan.fill(core) })
    var outcome = describe(plan, run.totals, run.seconds)
    outcome.programs = [plan.program]
    guard mode == .functional else { return outcome }
    progress("checking", nil)
    try check(plan, limit: limit(examples), run.core, run.totals, &outcome, isCancelled)
    return outcome
  }

  private func describe(
    _ plan: TrainingPlan, _ totals: NeuronCore.RunTotals, _ seconds: Double
  ) -> WorkOutcome {
    let examples = plan.stepsPerEpoch * parameters.batch * parameters.epochs
    let metrics = SimulatedMetrics(
      device: runner.options.device, totals: totals, modelFlops: plan.modelFlops,
      amount: (Double(examples * parameters.task.itemsPerExample), workload.throughput.rawValue),
      precision: workload.precision)
    let timing = HostTiming(seconds: seconds, instructions: totals.instructions)
    var description = WorkDescription()
    description.flops = plan.modelFlops
    description.bytes = totals.hbmReadBytes + totals.hbmWriteBytes
    description.hbmFootprintBytes = Int64(plan.program.hbmBytes)
    description.coverage = Coverage(plan.coverage)
    return WorkOutcome(
      metrics: metrics.metrics.merging(HostTiming.metrics([timing])) { first, _ in first },
      description: description, instructions: Int64(totals.instructions),
      trace: runner.options.trace == .off
        ? nil : TraceRequest.path(runner.options, workload: workload.name))
  }

  /// The measure after each epoch, the time at which the target is reached, and the first step of
  /// the training against the float64 reference, kernel by kernel.
  private func check(
    _ plan: TrainingPlan, limit: Double, _ core: borrowing CoreState,
    _ totals: NeuronCore.RunTotals, _ outcome: inout WorkOutcome, _ isCancelled: () -> Bool
  ) throws(RunnerError) {
    let measure = HeldOutMeasure(parameters.task)
    let values = plan.measures(core)
    let recorded = measure.metric(values)
    outcome.metrics[recorded.key] = recorded.metric
    let losses = plan.stepLosses(core).map { MetricValue(Double($0)) }
    if let last = losses.last {
      outcome.metrics["training_loss"] = .curve(losses, value: last, unit: "nats", .lower)
    }
    if parameters.target == .belowTrigrams {
      outcome.metrics["trigram_\(measure.name)"] = .simulated(
        MetricValue(limit), unit: "bits", better: .none)
    }
    let envelope = runner.options.device.envelope.fixedKernel.value
    let reached = values.firstIndex { measure.isReached($0, limit) }
    if let reached {
      let end = envelope + totals.invocationEnds[plan.lastInvocation(ofEpoch: reached)]
      outcome.metrics["time_to_\(measure.name)_us"] = .simulated(
        MetricValue(Double(end.value) / 1e6), unit: "us", better: .lower)
      outcome.metrics["epochs_to_\(measure.name)"] = .simulated(
        MetricValue(Int64(reached + 1)), unit: "epochs", better: .lower)
    }
    let reports = try firstStep(plan, isCancelled)
    outcome.reports = reports.map(\.summary)
    outcome.reports.append(
      reached.map {
        "target reached in epoch \($0 + 1): \(measure.title) \(values[$0]), wanted \(limit)"
      } ?? "target missed: best \(measure.title) \(measure.best(values)), wanted \(limit)")
    var numerics = Results.NumericsReport(reports)
    numerics.isPassed = numerics.isPassed && reached != nil
    numerics.reference = "float64, kernel by kernel in the first step; \(measure.title)"
    outcome.numerics = numerics
  }

  /// What the measure of held-out examples has to reach.
  private func limit(_ examples: LabelledExamples) -> Double {
    switch (parameters.target, parameters.task) {
    case (.belowTrigrams, .text(let text)):
      examples.trigramBits(
        heldOutEvery: parameters.heldOutEvery, vocabulary: text.vocabulary)
    case (.atLeast(let share), _): share
    case (.belowTrigrams, _): preconditionFailure("only texts have trigrams; the reader says so")
    }
  }

  /// Runs one step with every tensor in memory of its own and checks each kernel.
  private func firstStep(_ plan: TrainingPlan, _ isCancelled: () -> Bool) throws(RunnerError)
    -> [ModelGraph.NumericsReport]
  {
    var options = runner.options
    options.trace = .off
    let lowered: LoweredGraph
    do {
      lowered = try Lowerer(device: options.device).lower(plan.step, keepsIntermediates: true)
    } catch { throw .badInput("\(workload.name): \(error)") }
    let loaded = try GraphRun.load(lowered.program, options.device)
    let run = try ProgramRun(
      loaded, computes: true, options: options, traceFile: nil, isCancelled: isCancelled,
      prepare: { core in plan.fillStep(lowered, core) })
    do {
      return try GraphVerification(lowered, checker: workload.checker(for: options))
        .reports(run.core)
    } catch { throw .badInput("\(workload.name): \(error)") }
  }
}
