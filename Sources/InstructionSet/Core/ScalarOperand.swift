public import CoreState
import Hardware

/// One value per partition that meets every element of a row: a constant, or a column in memory.
public enum ScalarOperand: Hashable, Sendable, BitwiseCopyable {
  /// The same fp32 value in every partition.
  case immediate(Float)
  /// A column [P, 1] in SBUF or PSUM of any floating-point format: one value per partition.
  case pointer(AccessPattern)

  /// True for a column in memory, which costs a read of its own.
  public var isPointer: Bool {
    if case .pointer = self { true } else { false }
  }

  /// Columns in memory: one or none.
  var pointerCount: Int { isPointer ? 1 : 0 }

  /// The pattern in memory, if there is one.
  public var pattern: AccessPattern? {
    if case .pointer(let access) = self { access } else { nil }
  }

  /// The value in one partition of the instruction.
  func value(_ core: borrowing CoreState, partition: Int, engine: Engine) -> Float {
    switch self {
    case .immediate(let value): value
    case .pointer(let access): core.scalar(access, partition: partition, engine: engine)
    }
  }
}

/// The right side of a sequencer instruction: a number, or one of the sequencer's registers.
public enum RegisterOperand: Hashable, Sendable, BitwiseCopyable {
  /// A number in the instruction.
  case immediate(Int32)
  /// A register of the engine's own sequencer.
  case register(UInt8)

  /// The value now.
  func value(_ core: borrowing CoreState, engine: Engine) -> Int32 {
    switch self {
    case .immediate(let value): value
    case .register(let index): core.register(index, of: engine)
    }
  }
}
