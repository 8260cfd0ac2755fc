import InstructionSet
import ModelGraph
package import Results

/// Why a workload has no result.
package enum RunnerError: OutcomeError {
  /// The workload or an option cannot be run as asked.
  case badInput(String)
  /// The program breaks a rule of the device.
  case illegalProgram(String)
  /// Deadlock, hazard, fault while running.
  case failed(String)
  /// The result could not be saved.
  case results(ResultsError)
  /// The trace could not be written.
  case trace(String)
  /// The host has not enough memory.
  case memory(String)
  /// The user asked to stop.
  case cancelled

  /// The exit code's meaning.
  package var outcome: Outcome {
    switch self {
    case .badInput, .illegalProgram: .badInput
    case .failed, .memory: .runFailed
    case .results(let error): error.outcome
    case .trace: .inputOutputFailed
    case .cancelled: .interrupted
    }
  }

  /// What happened and what to do.
  package var description: String {
    switch self {
    case .badInput(let text), .failed(let text), .trace(let text), .memory(let text): text
    case .illegalProgram(let text): "illegal program: \(text)"
    case .results(let error): error.description
    case .cancelled: "interrupted; finished results are kept"
    }
  }
}
