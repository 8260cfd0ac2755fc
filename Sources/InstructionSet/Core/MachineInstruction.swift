public import CoreState
public import Hardware

/// One machine instruction: its operands are its stored properties; what it may be given, what it
/// does, what it costs and how it reads as text stand in the same file.
public protocol MachineInstruction: Hashable, Sendable, BitwiseCopyable {
  /// Which instruction this is.
  var opcode: Opcode { get }
  /// Names of the operands that may be views through offsets in memory.
  static var indirectOperands: [String] { get }
  /// With operands that only a parser or a table should see.
  init()
  /// Walks over the operands in text order.
  mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure)
  /// Checks what the operand patterns alone cannot show.
  func validate(_ rules: OperandRules) throws(Fault)
  /// What it does to the core. Never touches time.
  func execute(on core: inout CoreState, engine: Engine)
  /// What it costs on a device, for every state of its engine. Never touches data.
  func cost(on device: Device, engine: Engine) -> Cost
}

extension MachineInstruction {
  /// Most instructions name their elements themselves.
  public static var indirectOperands: [String] { [] }
  /// Most instructions have no rule beyond those of their operand patterns.
  public func validate(_ rules: OperandRules) throws(Fault) {}
}
