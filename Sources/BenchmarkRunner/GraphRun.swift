import CoreState
import Foundation
import Hardware
import InstructionSet
import Lowering
import ModelGraph
import NeuronCore
import NumericFormats
import Results
import TraceFile
import Units
import WorkloadCatalog

/// Runs a workload that is a graph: one kernel, one layer, one model pass.
struct GraphRun {
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
    let mode = runner.mode(of: workload)
    progress("lowering", nil)
    let encoded = options.trace == .off ? nil : EncodedProgram(on: options.device)
    let lowered = try lower(mode, encoded)
    let trace = try traceRequest(mode, lowered, encoded)
    let loaded = try Self.load(lowered.program, options.device)
    var timings: [HostTiming] = []
    var outcome: WorkOutcome?
    for _ in 0..<max(1, options.repeats) {
      progress("running", nil)
      let run = try ProgramRun(
        loaded, computes: mode == .functional, options: options,
        traceFile: outcome == nil ? trace : nil, isCancelled: isCancelled,
        prepare: { core in fill(lowered, core) })
      // The step loop looks only now and then, and checking can take as long as the run.
      if isCancelled() { throw .cancelled }
      timings.append(run.timing)
      if outcome == nil {
        var first = describe(lowered, run.totals)
        first.programs = [lowered.program]
        if mode == .functional {
          progress("checking", nil)
          try verify(lowered, run.core, &first, isCancelled)
        }
        outcome = first
      }
    }
    for (name, metric) in HostTiming.metrics(timings) { outcome!.metrics[name] = metric }
    return outcome!
  }

  private func lower(
    _ mode: RunMode, _ encoded: EncodedProgram?
  ) throws(RunnerError) -> LoweredGraph {
    do {
      guard let graph = try workload.graph() else {
        throw RunnerError.badInput("\(workload.name) has no graph")
      }
      return try Lowerer(device: options.device).lower(
        graph, keepsIntermediates: mode == .functional, onSegment: { encoded?.append($0) })
    } catch let error as RunnerError { throw error } catch {
      throw .badInput("\(workload.name): \(error)")
    }
  }

  /// Checks a program against the device.
  static func load(_ program: Program, _ device: Device) throws(RunnerError) -> LoadedProgram {
    do { return try LoadedProgram(program, device: device) } catch {
      throw .illegalProgram(error.description)
    }
  }

  private func traceRequest(
    _ mode: RunMode, _ lowered: LoweredGraph, _ encoded: EncodedProgram?
  ) throws(RunnerError) -> TraceRequest? {
    guard let encoded else { return nil }
    encoded.finish(lowered.program)
    return try TraceRequest.make(
      options, workload: workload.name, mode: mode, precision: workload.productFormat,
      program: encoded, labels: lowered.labels, modelFlops: Int64(lowered.operationCount))
  }

  /// Fills the given tensors with seeded values.
  private func fill(_ lowered: LoweredGraph, _ core: borrowing CoreState) {
    for (tensor, index) in lowered.fillings {
      DeviceTensor(filling: tensor, seed: options.seed)
        .upload(to: core.hbm, at: lowered.program.tensors[index].address)
    }
  }

  private func describe(_ lowered: LoweredGraph, _ totals: NeuronCore.RunTotals) -> WorkOutcome {
    let flops = Int64(lowered.operationCount)
    let amount = workload.throughputAmount(lowered.graph) ?? Double(flops)
    let metrics = SimulatedMetrics(
      device: options.device, totals: totals, modelFlops: flops,
      amount: (amount, workload.throughput.rawValue),
      precision: workload.productFormat)
    var description = WorkDescription()
    let shape = workload.publishedShape
    description.operation = shape?.operation
    description.shape = shape?.values ?? [:]
    description.flops = flops
    description.bytes = totals.hbmReadBytes + totals.hbmWriteBytes
    description.hbmFootprintBytes = Int64(lowered.footprintBytes)
    description.coverage = Coverage(lowered.coverage)
    return WorkOutcome(
      metrics: metrics.metrics, description: description,
      laws: PublishedKernel.measurements(
        workload, latencyNanoseconds: Double(metrics.latency.value) / 1e3),
      instructions: Int64(totals.instructions),
      trace: options.trace == .off ? nil : TraceRequest.path(options, workload: workload.name))
  }

  /// Checks what every kernel left in HBM.
  private func verify(
    _ lowered: LoweredGraph, _ core: borrowing CoreState, _ outcome: inout WorkOutcome,
    _ isCancelled: () -> Bool
  ) throws(RunnerError) {
    do {
      let reports = try GraphVerification(lowered, checker: workload.checker(for: options))
        .reports(core, isCancelled)
      if isCancelled() { throw RunnerError.cancelled }
      outcome.reports = reports.map(\.summary)
      outcome.numerics = Results.NumericsReport(reports)
    } catch let error as RunnerError { throw error } catch {
      throw .badInput("\(workload.name): \(error)")
    }
  }
}

/// Checks every kernel of a lowered graph against the float64 reference.
struct GraphVerification {
  private let lowered: LoweredGraph
  private let checker: NumericsChecker

  init(_ lowered: LoweredGraph, checker: NumericsChecker) {
    self.lowered = lowered
    self.checker = checker
  }

  /// One report per tensor that a kernel left in HBM, in order; only some when it is cancelled.
  func reports(_ core: borrowing CoreState, _ isCancelled: () -> Bool = { false })
    throws(GraphError) -> [ModelGraph.NumericsReport]
  {
    var reports: [ModelGraph.NumericsReport] = []
    let graph = core.keepsUnroundedValues ? try lowered.graph.withoutRounding() : lowered.graph
    for nodes in lowered.steps.map(\.nodes) + lowered.views.map({ [$0] }) where !isCancelled() {
      var views: [String: TensorView] = [:]
      for name in Set(nodes.flatMap { $0.inputs + $0.outputs }).sorted() {
        if let view = try view(name, graph, core) { views[name] = view }
      }
      reports += try StepVerification(
        graph: graph, nodes: nodes, checker: checker, device: { name in views[name] }
      ).reports()
    }
    return reports
  }

  /// A tensor in HBM; an empty one lies nowhere, and weights that kernels hold as part of their
  /// instructions are their declaration.
  private func view(_ name: String, _ graph: Graph, _ core: borrowing CoreState)
    throws(GraphError) -> TensorView?
  {
    guard let tensor = lowered.graph.tensor(name), let declared = graph.tensor(name) else {
      return nil
    }
    if tensor.shape.elementCount == 0 {
      return try TensorView([Double](), shape: tensor.shape, type: declared.type)
    }
    if let index = lowered.allocations[name] {
      return try DeviceTensor(
        downloading: tensor, as: declared.format, from: core,
        at: lowered.program.tensors[index].address
      ).view(as: declared)
    }
    guard tensor.role == .weight else { return nil }
    return try DeviceTensor(filling: tensor, seed: 0).view(as: tensor)
  }
}

extension Coverage {
  /// The shares of what a lowering counted.
  init(_ counted: LoweringCoverage) {
    self.init(
      operators: counted.operators, operatorsOnDevice: counted.operatorsOnDevice,
      flopsPercent: Self.share(counted.flopsOnDevice, of: counted.flops),
      bytesPercent: Self.share(counted.bytesOnDevice, of: counted.bytes),
      elsewhere: counted.elsewhere.map {
        Exception(node: $0.node, operation: $0.operation, reason: $0.reason)
      })
  }

  /// A part in percent; nothing of nothing is all of it.
  static func share(_ part: Int, of whole: Int) -> Double {
    whole == 0 ? 100 : 100 * Double(part) / Double(whole)
  }
}

extension WorkloadSpecification {
  /// How values of a run with those options are checked.
  func checker(for options: RunOptions) -> NumericsChecker {
    var checker = checker(seed: options.seed)
    checker.expect(options.rounding)
    return checker
  }
}

extension NumericsChecker {
  /// Grants what values lose when they are stored like that.
  mutating func expect(_ rounding: RunOptions.Rounding) {
    isStochastic = rounding == .stochastic
    if rounding == .none { intermediate = .float32 }
  }
}

extension Results.NumericsReport {
  /// The worst of several checks, each measured against its own tolerance.
  init(
    _ reports: [ModelGraph.NumericsReport], reference: String = "float64, kernel by kernel"
  ) {
    let worst = reports.max { $0.errorRatio < $1.errorRatio }
    self.init(
      isChecked: !reports.isEmpty, isPassed: reports.allSatisfy(\.passed),
      maximumRelativeError: worst?.relativeError, tolerance: worst?.relativeTolerance,
      reference: reference)
  }
}
