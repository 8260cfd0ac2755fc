import Foundation
import Hardware
import InstructionSet
import NumericFormats
import Results
import TraceFile
import Units

/// Where a trace goes and what it says of its run.
struct TraceRequest {
  var path: String
  var metadata: TraceMetadata
  var program: EncodedProgram
  /// What each invocation stands for in the model; empty where nobody knows.
  var labels: [InvocationLabel] = []

  /// One core of several that run side by side.
  struct Core {
    var number: Int
    /// What all of them run.
    var chip: ChipProgram

    /// What a reader needs to run all cores again from their traces.
    var entries: [String: String] {
      typealias Key = TraceMetadata.Key
      var entries = [
        Key.core: "\(number)", Key.coreCount: "\(chip.cores.count)",
        Key.coresPerLogicalCore: "\(chip.coresPerLogicalCore)",
      ]
      if !chip.groups.isEmpty {
        let groups = chip.groups.map { $0.map(String.init).joined(separator: ",") }
        entries[Key.collectiveGroups] = groups.joined(separator: ";")
      }
      return entries
    }
  }

  /// The trace that a run's options ask for, its folder made; nil when they ask for none. Rates are
  /// compared with the tensor engine's peak in `precision`.
  static func make(
    _ options: RunOptions, workload: String, mode: RunMode, precision: NumberFormat,
    program: Program, modelFlops: Int64? = nil
  ) throws(RunnerError) -> TraceRequest? {
    guard options.trace != .off else { return nil }
    return try make(
      options, workload: workload, mode: mode, precision: precision,
      program: EncodedProgram(program, on: options.device), modelFlops: modelFlops)
  }

  /// The trace of a core, with its program; a core of several has a file in a folder of theirs.
  static func make(
    _ options: RunOptions, workload: String, mode: RunMode, precision: NumberFormat,
    program: EncodedProgram, labels: [InvocationLabel] = [], modelFlops: Int64? = nil,
    core: Core? = nil
  ) throws(RunnerError) -> TraceRequest? {
    guard options.trace != .off else { return nil }
    var path = path(options, workload: workload)
    if let core { path = folder(options, workload: workload) + "/core\(core.number).trntrace" }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .trace("cannot make the folder \(folder.path): \(error.localizedDescription)")
    }
    typealias Key = TraceMetadata.Key
    var entries = [
      Key.tool: "trnbench 0.1", Key.device: options.device.identity, Key.workload: workload,
      Key.mode: mode.rawValue, Key.seed: "\(options.seed)", Key.recording: options.trace.name,
      Key.peakFlops: "\(options.device.tensorPeak(for: precision))",
      Key.hbmBandwidth: "\(options.device.hbmBytesPerMicrosecondPerCore * 1_000_000)",
    ]
    entries.merge(core?.entries ?? [:]) { _, own in own }
    entries[Key.modelFlops] = modelFlops.map { "\($0)" }
    if case .samples(let interval) = options.trace {
      entries[Key.sampleInterval] = "\(interval.value)"
    }
    if case .window(let from, let to) = options.trace {
      entries[Key.windowFrom] = "\(from.value)"
      entries[Key.windowTo] = "\(to.value)"
    }
    return TraceRequest(
      path: path, metadata: TraceMetadata(entries), program: program, labels: labels)
  }

  // MARK: Places

  /// The folder of the traces of several cores: beside the result, and named as a trace is.
  static func folder(_ options: RunOptions, workload: String) -> String {
    let name = name(options, workload: workload)
    let files = (try? FileManager.default.contentsOfDirectory(atPath: name + ".cores")) ?? []
    let isTaken = files.contains {
      $0.hasSuffix(".trntrace") && isOfOtherMode("\(name).cores/\($0)", options)
    }
    return name + (isTaken ? ".\(options.trace.name)" : "") + ".cores"
  }

  /// The trace's path: beside the result, under its name. Where that is a trace of another mode,
  /// this one has its mode in its name, as in `softmax-4096.samples.trntrace`, so that both are
  /// kept; asked again, also while the run is under way, the answer is the same.
  static func path(_ options: RunOptions, workload: String) -> String {
    let name = name(options, workload: workload)
    let isTaken = isOfOtherMode(name + ".trntrace", options)
    return name + (isTaken ? ".\(options.trace.name)" : "") + ".trntrace"
  }

  /// The path without its ending: that of the result, less the mode, on which no time depends.
  private static func name(_ options: RunOptions, workload: String) -> String {
    let seed = options.seed == 0 ? nil : "seed\(options.seed)"
    let name = [workload, options.variant, seed].compactMap { $0 }.joined(separator: ".")
    return options.output.appendingPathComponent(options.source.folderName)
      .appendingPathComponent(options.device.identity).appendingPathComponent(name).path
  }

  /// Whether a file is a trace that was recorded in another mode than a run's options ask for.
  private static func isOfOtherMode(_ path: String, _ options: RunOptions) -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return false }
    let mode = try? TraceReader.metadata(ofFile: path).entries[TraceMetadata.Key.recording]
    return mode.map { $0 != options.trace.name } ?? false
  }
}
