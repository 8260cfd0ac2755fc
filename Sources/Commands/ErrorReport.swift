import BenchmarkRunner
import DeviceCatalog
import Foundation
import Hardware
import ModelImport
import ProfileImport
import Replay
import Results
import TraceFile
import WorkloadCatalog

/// Any error as an exit code and a text for the reader: the one place where both are decided.
struct ErrorReport: Equatable {
  var outcome: Outcome
  var message: String

  /// Sorts an error; what no module declares is a defect of ours.
  init(_ error: any Error) {
    switch error {
    case let error as any OutcomeError: self.init(error.outcome, error.description)
    case let error as WorkloadError: self.init(Self.outcome(of: error), error.description)
    case let error as ReferenceCatalogError:
      self.init(error.isUnreadable ? .inputOutputFailed : .badInput, error.description)
    case let error as TraceError:
      self.init(Outcome(rawValue: error.exitCode) ?? .internalError, error.description)
    case let error as ProfileError:
      self.init(Outcome(rawValue: error.exitCode) ?? .internalError, error.description)
    case let error as ReplayError:
      self.init(Outcome(rawValue: error.exitCode) ?? .internalError, error.description)
    case let error as HardwareError: self.init(.badInput, error.description)
    case let error as DeviceFileError:
      self.init(error.isUnreadable ? .inputOutputFailed : .badInput, error.description)
    case let error as ImportError: self.init(Self.outcome(of: error), error.description)
    case let error as RunnerError: self.init(error.outcome, error.description)
    case let error as CocoaError:
      let failure = ResultStore.fileError(error, path: error.filePath ?? "a file")
      self.init(failure.outcome, failure.description)
    default:
      self.init(
        .internalError,
        "internal error: \(error); please report it with the command line and "
          + "'trnbench doctor --format json'")
    }
  }

  private init(_ outcome: Outcome, _ message: String) {
    self.outcome = outcome
    self.message = message
  }

  private static func outcome(of error: ImportError) -> Outcome {
    switch error {
    case .unreadable: .inputOutputFailed
    // A text that is no model is a wrong input; weights that break off are a damaged file.
    case .damaged(_, _, .safetensors): .damagedFile
    default: .badInput
    }
  }

  private static func outcome(of error: WorkloadError) -> Outcome {
    if case .unreadable = error { return .inputOutputFailed }
    return .badInput
  }
}

extension Outcome {
  /// The outcome of a command that did several things: the one that a reader must hear of first.
  static func gravest(_ outcomes: [Outcome]) -> Outcome {
    let order: [Outcome] = [
      .interrupted, .internalError, .inputOutputFailed, .damagedFile, .runFailed, .regression,
      .badInput, .notComparable, .baselineMissing, .inconclusive,
    ]
    return order.first(where: outcomes.contains) ?? .done
  }
}
