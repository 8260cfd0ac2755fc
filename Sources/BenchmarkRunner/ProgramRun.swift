import CoreState
import Foundation
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Results
import TraceFile
import Units

/// One execution of a loaded program on the model: totals, host time, the memories it left.
struct ProgramRun: ~Copyable {
  /// What the run adds up to.
  let totals: NeuronCore.RunTotals
  /// Host seconds of the step loop alone.
  let seconds: Double
  /// Host seconds from the first instruction to the closed trace; nil where none was recorded.
  let traceSeconds: Double?
  /// The host's share of a run's metrics.
  var timing: HostTiming {
    HostTiming(seconds: seconds, instructions: totals.instructions, traceSeconds: traceSeconds)
  }
  private let model: CoreModel
  /// The memories as the program left them; empty in timing mode.
  var core: CoreState { _read { yield model.core } }

  /// Runs the program.
  ///
  /// - Parameter prepare: fills HBM before the first instruction.
  init(
    _ loaded: LoadedProgram, computes: Bool, options: RunOptions, traceFile: TraceRequest?,
    isCancelled: () -> Bool, prepare: (borrowing CoreState) -> Void
  ) throws(RunnerError) {
    var model: CoreModel
    do {
      model = try CoreModel(loaded, computes: computes, checksHazards: options.checksHazards)
    } catch { throw .memory(error.description) }
    if computes { try model.core.store(with: options) }
    if computes { prepare(model.core) }
    (totals, seconds, traceSeconds) = try Self.execute(
      &model, loaded, options, traceFile, computes: computes, isCancelled)
    self.model = model
  }

  /// Runs a short program and keeps all of its events; `prepare` fills the memories before it.
  init(
    _ loaded: LoadedProgram, computes: Bool, options: RunOptions, collector: EventCollector,
    isCancelled: () -> Bool, prepare: (inout CoreState) -> Void
  ) throws(RunnerError) {
    var model: CoreModel
    do {
      model = try CoreModel(loaded, computes: computes, checksHazards: options.checksHazards)
    } catch { throw .memory(error.description) }
    if computes { try model.core.store(with: options) }
    if computes { prepare(&model.core) }
    let start = DispatchTime.now().uptimeNanoseconds
    var recorder = EventRecorder(pool: RecordPool(capacity: 1_024)) { track, block in
      collector.append(track, Array(block.events))
    }
    do { totals = try model.run(recording: &recorder, isCancelled: isCancelled) } catch {
      throw Self.runnerError(error)
    }
    recorder.finish()
    seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    traceSeconds = nil
    self.model = model
  }

  private static func execute(
    _ model: inout CoreModel, _ loaded: LoadedProgram, _ options: RunOptions,
    _ request: TraceRequest?, computes: Bool, _ isCancelled: () -> Bool
  ) throws(RunnerError) -> (NeuronCore.RunTotals, seconds: Double, traceSeconds: Double?) {
    let start = DispatchTime.now().uptimeNanoseconds
    guard let request, options.trace != .off else {
      do {
        let totals = try model.run(isCancelled: isCancelled)
        return (totals, elapsed(since: start), nil)
      } catch { throw runnerError(error) }
    }
    let recording: TraceRecording
    do {
      recording = try TraceRecording(
        request, program: loaded, recording: options.trace, computes: computes)
    } catch { throw .trace(error.description) }
    let loopStart = DispatchTime.now().uptimeNanoseconds
    var totals: NeuronCore.RunTotals?
    var failure: RunnerError?
    do {
      totals = try observe(&model, options, recording, isCancelled)
    } catch { failure = runnerError(error) }
    let seconds = elapsed(since: loopStart)
    // What was recorded before a failure is kept: the trace says that the run was interrupted.
    do { try recording.finish(totals, isComplete: failure == nil) } catch {
      throw .trace(error.description)
    }
    if let failure { throw failure }
    return (totals!, seconds, elapsed(since: loopStart))
  }

  private static func elapsed(since start: UInt64) -> Double {
    Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  private static func observe(
    _ model: inout CoreModel, _ options: RunOptions, _ recording: TraceRecording,
    _ isCancelled: () -> Bool
  ) throws(RunError) -> NeuronCore.RunTotals {
    var recorder = EventRecorder(recording.extent, pool: recording.pool) {
      track, block in
      recording.append(track: track, block)
    }
    defer { recorder.finish() }
    return try model.run(recording: &recorder, isCancelled: isCancelled)
  }

  private static func runnerError(_ error: RunError) -> RunnerError {
    if case .cancelled = error { return .cancelled }
    return .failed(error.description)
  }
}

extension CoreState {
  /// Stores values from now on as the options say.
  fileprivate mutating func store(with options: RunOptions) throws(RunnerError) {
    switch options.rounding {
    case .nearest: break
    case .stochastic: rounding = .stochastic(seed: options.seed)
    case .none:
      do { try keepUnroundedValues() } catch { throw .memory(error.description) }
    }
  }
}
