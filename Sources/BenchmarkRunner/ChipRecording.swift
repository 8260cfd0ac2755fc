import Hardware
import InstructionSet
import NeuronChip
import NeuronCore
import NumericFormats
import Results
import TraceFile
import Units

/// The traces of cores that run side by side: a file for each of them, in one folder.
///
/// Every core hands its blocks to a recording of its own, so that a file depends on what its core
/// does and not on the threads that advance it.
struct ChipRecording {
  private let recordings: [Int: TraceRecording]
  /// The folder of the files.
  let folder: String
  /// Who watches the cores.
  let watch: ChipWatch

  /// Opens a file for each core; nil where the options ask for no trace.
  init?(
    _ options: RunOptions, workload: String, mode: RunMode, precision: NumberFormat,
    loaded: LoadedChip, labels: [InvocationLabel] = [], modelFlops: Int64? = nil
  ) throws(RunnerError) {
    guard options.trace != .off else { return nil }
    let program = loaded.program
    let encoded = program.programs.map { EncodedProgram($0, on: options.device) }
    let place = TraceRequest.folder(options, workload: workload)
    var recordings: [Int: TraceRecording] = [:]
    for (index, core) in program.cores.enumerated() {
      guard
        let request = try TraceRequest.make(
          options, workload: workload, mode: mode, precision: precision,
          program: encoded[core.program],
          labels: labels, modelFlops: modelFlops.map { $0 / Int64(program.cores.count) },
          core: TraceRequest.Core(number: core.number, chip: program))
      else { return nil }
      do {
        recordings[core.number] = try TraceRecording(
          request, program: loaded.cores[index], recording: options.trace,
          computes: mode == .functional)
      } catch { throw .trace(error.description) }
    }
    folder = place
    self.recordings = recordings
    let extent = TraceRecording.extent(options.trace)
    watch = .events(extent, pools: recordings.mapValues(\.pool)) {
      [recordings] core, track, block in
      recordings[core]?.append(track: track, block)
    }
  }

  /// Closes the files; `totals` are those of a run that came to its end.
  func finish(_ totals: ChipTotals?) throws(RunnerError) {
    for number in recordings.keys.sorted() {
      let own = totals?.cores.first { $0.number == number }?.totals
      do { try recordings[number]?.finish(own, isComplete: totals != nil) } catch {
        throw .trace(error.description)
      }
    }
  }
}
