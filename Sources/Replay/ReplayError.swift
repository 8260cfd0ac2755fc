package import InstructionSet
package import NeuronCore

/// Why a report cannot be replayed.
package enum ReplayError: Error, Sendable, CustomStringConvertible {
  /// The report holds nothing that the compiler emitted.
  case nothingToReplay(path: String)
  /// The rebuilt program is none that the device can run.
  case illegal(Fault, instruction: String)
  /// The rebuilt program did not come to its end.
  case failed(RunError)
  /// The model ran out of the host's memory.
  case memory(String)

  /// What happened, for people.
  package var description: String {
    switch self {
    case .nothingToReplay(let path):
      "\(path): no row was emitted by the compiler (none has a 'compiler_pc'), so there is no "
        + "kernel to replay; 'trnbench trace import' still reads it"
    case .illegal(let fault, let instruction):
      "the rebuilt program is none that this device runs: \(fault) (\(instruction)); choose the "
        + "device of the profile with --device"
    case .failed(let error): "the rebuilt program did not end: \(error)"
    case .memory(let reason): "the model cannot be set up: \(reason)"
    }
  }

  /// The process exit code: 64 for the wrong input or device, 3 for a run that failed.
  package var exitCode: Int32 {
    switch self {
    case .nothingToReplay, .illegal: 64
    case .failed: 3
    case .memory: 1
    }
  }
}
