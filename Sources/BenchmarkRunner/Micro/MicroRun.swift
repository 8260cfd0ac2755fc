import CoreState
import Hardware
import InstructionSet
import ModelGraph
import NeuronCore
import NumericFormats
import Results
import Units
import WorkloadCatalog

/// Runs the programs of a micro workload one after the other, checks and measures each.
struct MicroRun {
  /// What one program's run brought.
  private struct Part {
    var totals: RunTotals
    var laws: [LawMeasurement]
    var numerics: [ModelGraph.NumericsReport]
    var seconds: Double
    var program: Program
  }

  private let runner: WorkloadRunner
  private let workload: WorkloadSpecification

  init(_ runner: WorkloadRunner, _ workload: WorkloadSpecification) {
    self.runner = runner
    self.workload = workload
  }

  func run(
    _ programs: [MicroProgram], _ progress: (String, Double?) -> Void, _ isCancelled: () -> Bool
  ) throws(RunnerError) -> WorkOutcome {
    var parts: [Part] = []
    var leftOut: [(label: String, reason: String)] = []
    for (index, program) in programs.enumerated() {
      if isCancelled() { throw .cancelled }
      progress(program.label, Double(index) / Double(programs.count))
      do {
        parts.append(try run(program, isCancelled))
      } catch .illegalProgram(let reason) where !isAtHome {
        leftOut.append((program.label, reason))
      }
    }
    guard !parts.isEmpty else {
      if let first = leftOut.first { throw .illegalProgram(first.reason) }
      throw .badInput("\(workload.name) has no programs")
    }
    var result = outcome(parts)
    result.reports += leftOut.map { "left out: \($0.label): \($0.reason)" }
    result.programs = parts.map(\.program)
    if runner.options.trace != .off {
      // The first of several, in a folder of the workload's name.
      result.trace = TraceRequest.path(runner.options, workload: traceName(programs[0]))
    }
    return result
  }

  /// True on the device that the workload was written for, which has to carry out all of it; others
  /// may lack what some programs use.
  private var isAtHome: Bool { runner.options.device.name == workload.defaultDevice }

  private func run(_ program: MicroProgram, _ isCancelled: () -> Bool) throws(RunnerError)
    -> Part
  {
    let device = runner.options.device
    let micro = MicroSegment(program, device: device)
    let computes = runner.mode(of: workload) == .functional
    let needsOperands = computes || runner.options.checksHazards
    let reference =
      needsOperands
      ? MicroReference(
        program, seed: runner.options.seed, rounding: runner.options.rounding) : nil
    let loaded = try GraphRun.load(Self.program(micro, reference), device)
    let collector = EventCollector()
    var options = runner.options
    options.trace = .off
    let run = try ProgramRun(
      loaded, computes: computes, options: options, collector: collector,
      isCancelled: isCancelled, prepare: { reference?.fill(&$0) })
    try record(program, loaded, isCancelled)
    var measurement = MicroMeasurement(program, micro, on: device)
    for (track, events) in collector.batches { measurement.add(track: track, events: events) }
    return Part(
      totals: run.totals, laws: measurement.measurements,
      numerics: computes ? reference?.reports(run.core) ?? [] : [], seconds: run.seconds,
      program: loaded.program)
  }

  /// Runs a program once more for its own trace, which shows the same times: the measurement needs
  /// every event in memory, a trace as the options ask for it.
  private func record(
    _ program: MicroProgram, _ loaded: LoadedProgram, _ isCancelled: () -> Bool
  ) throws(RunnerError) {
    var options = runner.options
    options.checksHazards = false
    guard
      let request = try TraceRequest.make(
        options, workload: traceName(program), mode: .timing, precision: workload.precision,
        program: loaded.program)
    else { return }
    _ = try ProgramRun(
      loaded, computes: false, options: options, traceFile: request, isCancelled: isCancelled,
      prepare: { _ in })
  }

  private func traceName(_ program: MicroProgram) -> String {
    let words = program.label.split { !$0.isLetter && !$0.isNumber }
    return workload.name + "/" + words.joined(separator: "-")
  }

  /// The segment alone, on operands that the host puts in place.
  private static func program(_ micro: MicroSegment, _ reference: MicroReference?) -> Program {
    var address = 0
    let tensors = micro.segment.tensors.map { tensor in
      defer { address += tensor.sizeBytes }
      return TensorAllocation(
        name: tensor.name, address: address, sizeBytes: tensor.sizeBytes, format: .float32)
    }
    var program = Program(
      segments: [micro.segment],
      invocations: [Invocation(segment: 0, tensors: Array(tensors.indices))], tensors: tensors)
    program.presets = reference?.presets ?? []
    return program
  }

  private func outcome(_ parts: [Part]) -> WorkOutcome {
    let totals = parts.dropFirst().reduce(parts[0].totals) { $0.following($1.totals) }
    let seconds = parts.reduce(0) { $0 + $1.seconds }
    let reports = parts.flatMap(\.numerics)
    let device = runner.options.device
    let bytes = totals.hbmReadBytes + totals.hbmWriteBytes
    let amount =
      workload.throughput == .bytes ? Double(bytes) : Double(totals.instructions)
    let metrics = SimulatedMetrics(
      device: device, totals: totals, modelFlops: 0,
      amount: (amount, workload.throughput.rawValue), precision: workload.precision)
    let timing = HostTiming(seconds: seconds, instructions: totals.instructions)
    let all = metrics.metrics.merging(HostTiming.metrics([timing])) { first, _ in first }
    var description = WorkDescription()
    description.bytes = bytes
    return WorkOutcome(
      metrics: all, description: description,
      numerics: reports.isEmpty
        ? .unchecked
        : Results.NumericsReport(reports, reference: "float64, instruction by instruction"),
      reports: Self.lines(reports), laws: parts.flatMap(\.laws),
      instructions: Int64(totals.instructions))
  }

  /// One line for all programs where every value is right, else one line each.
  private static func lines(_ reports: [ModelGraph.NumericsReport]) -> [String] {
    guard let worst = reports.max(by: { $0.errorRatio < $1.errorRatio }),
      reports.allSatisfy(\.passed)
    else { return reports.map(\.summary) }
    let elements = reports.reduce(0) { $0 + $1.checkedCount }
    return [
      "\(reports.count) results passed: all \(elements) elements; nearest to its tolerance: "
        + worst.summary
    ]
  }
}

/// Keeps every event of a short run.
final class EventCollector {
  /// Buffers by track in the order in which they came.
  private(set) var batches: [(Int, [Event])] = []

  /// Keeps a buffer.
  func append(_ track: Int, _ events: [Event]) { batches.append((track, events)) }
}

extension RunTotals {
  /// The totals of this run and another one after it.
  func following(_ other: RunTotals) -> RunTotals {
    var result = self
    result.duration = duration + other.duration
    result.retired = zip(retired, other.retired).map { $0 + $1 }
    result.active = zip(active, other.active).map { $0 + $1 }
    result.busy = zip(busy, other.busy).map { $0 + $1 }
    result.stalls = zip(stalls, other.stalls).map { zip($0, $1).map { $0 + $1 } }
    result.dmaEngineActive = zip(dmaEngineActive, other.dmaEngineActive).map { $0 + $1 }
    result.hbmReadBytes = hbmReadBytes + other.hbmReadBytes
    result.hbmWriteBytes = hbmWriteBytes + other.hbmWriteBytes
    result.throttled = throttled + other.throttled
    result.invocationEnds += other.invocationEnds.map { $0 + duration }
    return result
  }
}
