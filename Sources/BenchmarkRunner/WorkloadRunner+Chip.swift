import CoreState
import Foundation
import Hardware
package import InstructionSet
import NeuronChip
import NeuronCore
import NumericFormats
import Results
import Units
import WorkloadCatalog

extension WorkloadRunner {
  /// Runs the programs of several cores and saves one result for all of them, and a trace of each
  /// core. Tensors begin as zeros, and values are not checked. Throws `RunnerError`.
  package func run(
    chip program: ChipProgram, name: String, progress: (String, Double?) -> Void,
    isCancelled: () -> Bool
  ) throws(RunnerError) -> WorkloadReport {
    let started = Date()
    let mode = options.mode ?? .functional
    guard options.rounding == .nearest else {
      throw .badInput(
        "\(name) is a program of several cores, which store to the nearest number alone; leave "
          + "--rounding out")
    }
    let loaded: LoadedChip
    do { loaded = try LoadedChip(program, device: options.device) } catch {
      throw .illegalProgram(error.description)
    }
    var timings: [HostTiming] = []
    var totals: ChipTotals?
    var trace: String?
    for index in 0..<max(1, options.repeats) {
      progress("running", Double(index) / Double(max(1, options.repeats)))
      // The times repeat exactly, so that one trace is enough.
      let recording =
        index == 0
        ? try ChipRecording(
          options, workload: name, mode: mode, precision: .bfloat16, loaded: loaded) : nil
      if let recording { trace = recording.folder }
      let (run, seconds) = try execute(loaded, mode, recording, isCancelled)
      timings.append(HostTiming(seconds: seconds, instructions: run.instructions))
      totals = run
    }
    guard let totals else { throw .failed("\(name) did not run") }
    var result = result(program, totals, timings, name: name, mode: mode, started: started)
    result.trace = trace
    do {
      let file = try ResultStore(root: options.output).save(result)
      return WorkloadReport(result: result, file: file, numerics: Self.lines(totals), laws: [])
    } catch { throw .results(error) }
  }

  private func execute(
    _ loaded: LoadedChip, _ mode: RunMode, _ recording: ChipRecording?,
    _ isCancelled: () -> Bool
  ) throws(RunnerError) -> (ChipTotals, Double) {
    let outcome: (ChipTotals, Double)
    do {
      var chip = try ChipModel(
        loaded, computes: mode == .functional, checksHazards: options.checksHazards,
        watch: recording?.watch ?? .nothing)
      let start = DispatchTime.now().uptimeNanoseconds
      let totals = try chip.run(
        threads: ProcessInfo.processInfo.activeProcessorCount, isCancelled: isCancelled)
      outcome = (totals, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    } catch {
      // What was recorded before a failure is kept.
      try recording?.finish(nil)
      switch error {
      case .cancelled: throw .cancelled
      case .memory(let reason): throw .memory(reason.description)
      default: throw .failed(error.description)
      }
    }
    try recording?.finish(outcome.0)
    return outcome
  }

  /// What each core took, for people.
  static func lines(_ totals: ChipTotals) -> [String] {
    totals.cores.map { core in
      let microseconds = Double(core.totals.duration.value) / 1e6
      return "core \(core.number): \(core.totals.instructions) instructions in "
        + String(format: "%.3f us", microseconds)
    }
  }

  private func result(
    _ program: ChipProgram, _ totals: ChipTotals, _ timings: [HostTiming], name: String,
    mode: RunMode, started: Date
  ) -> RunResult {
    let all = NeuronCore.RunTotals(beside: totals.cores.map(\.totals))
    var simulated = SimulatedMetrics(
      device: options.device, totals: all, modelFlops: 0,
      amount: (Double(all.instructions), ThroughputUnit.instructions.rawValue),
      precision: .bfloat16)
    simulated.coreCount = totals.cores.count
    let metrics = simulated.metrics.merging(HostTiming.metrics(timings)) { first, _ in first }
    var work = WorkDescription()
    work.bytes = all.hbmReadBytes + all.hbmWriteBytes
    work.hbmFootprintBytes = Int64(program.programs.map(\.hbmBytes).max() ?? 0)
    return RunResult(
      workload: name, device: options.device.identity, mode: mode, seed: options.seed,
      source: options.source, started: started.formatted(.iso8601),
      host: HostMachine.current().facts, metrics: metrics, work: work, numerics: .unchecked,
      model: ModelReport(instructions: Int64(all.instructions)), trace: nil)
  }
}

extension NeuronCore.RunTotals {
  /// The totals of cores that ran side by side: times of engines are added up over the cores.
  init(beside cores: [NeuronCore.RunTotals]) {
    self = cores[0]
    for core in cores.dropFirst() {
      duration = max(duration, core.duration)
      retired = zip(retired, core.retired).map { $0 + $1 }
      active = zip(active, core.active).map { $0 + $1 }
      busy = zip(busy, core.busy).map { $0 + $1 }
      stalls = zip(stalls, core.stalls).map { zip($0, $1).map { $0 + $1 } }
      dmaEngineActive = zip(dmaEngineActive, core.dmaEngineActive).map { $0 + $1 }
      hbmReadBytes += core.hbmReadBytes
      hbmWriteBytes += core.hbmWriteBytes
      throttled = throttled + core.throttled
      invocationEnds += core.invocationEnds
    }
  }
}
