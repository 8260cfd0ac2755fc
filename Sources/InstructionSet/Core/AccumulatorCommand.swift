import CoreState
import VectorKernels

/// What an instruction does with the reduction of its results, per partition.
///
/// Source: NKI instruction reference (reduce_cmd).
public enum AccumulatorCommand: UInt8, OperandChoice, BitwiseCopyable {
  /// Leaves the register alone.
  case idle
  /// Sets the register to what the reduction begins with.
  case reset
  /// Reduces the results onto the register.
  case reduce
  /// Sets the register to the reduction of the results.
  case resetReduce
  /// Sets the register to a given value and reduces the results onto it.
  case loadReduce

  public var text: String {
    switch self {
    case .idle: "idle"
    case .reset: "reset"
    case .reduce: "reduce"
    case .resetReduce: "reset_reduce"
    case .loadReduce: "load_reduce"
    }
  }

  /// True when the reduction of the results is needed.
  var reduces: Bool { self == .reduce || self == .resetReduce || self == .loadReduce }

  /// The register after the instruction.
  func applied(
    to register: Float, _ reduction: ReductionOperation, of results: Float, initial: Float = 0
  ) -> Float {
    let combine = reduction.operation
    switch self {
    case .idle: return register
    case .reset: return reduction.identity
    case .reduce: return combine.apply(register, results)
    case .resetReduce: return combine.apply(reduction.identity, results)
    case .loadReduce: return combine.apply(initial, results)
    }
  }
}

extension OperandRules {
  /// The command must be one of those that the instruction has.
  func require(
    _ name: String, _ command: AccumulatorCommand, among allowed: [AccumulatorCommand]
  ) throws(Fault) {
    guard allowed.contains(command) else {
      throw fault(
        name,
        .value(
          found: command.text, allowed: allowed.map(\.text).joined(separator: ", ")))
    }
  }
}
