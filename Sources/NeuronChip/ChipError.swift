public import CoreState
public import InstructionSet
public import NeuronCore

/// Why the cores of a chip cannot run, or did not finish.
public enum ChipError: Error, CustomStringConvertible, Sendable {
  /// No core has a program.
  case empty
  /// A core that the chip does not have, or that is named twice.
  case core(number: Int, reason: String)
  /// Logical cores of a size that the device does not have.
  case logicalCores(found: Int, reason: String)
  /// A group of a collective that cannot be.
  case group(index: Int, reason: String)
  /// An illegal instruction of a core's program.
  case illegal(core: Int, Fault)
  /// The host has no room for the memories.
  case memory(MemoryError)
  /// A core did not finish: a fault, a hazard.
  case run(core: Int, RunError)
  /// Instructions that met and do not fit.
  case mismatch(String)
  /// Nothing can go on.
  case deadlock(ChipDeadlock)
  /// The caller asked to stop.
  case cancelled

  /// What is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .empty: "no core has a program; give at least one"
    case .core(let number, let reason): "core \(number): \(reason)"
    case .logicalCores(let found, let reason): "logical cores of \(found): \(reason)"
    case .group(let index, let reason): "collective group \(index): \(reason)"
    case .illegal(let core, let fault): "core \(core): \(fault)"
    case .memory(let error): error.description
    case .run(let core, let error): "core \(core): \(error)"
    case .mismatch(let text): text
    case .deadlock(let report): report.description
    case .cancelled: "interrupted"
    }
  }
}
