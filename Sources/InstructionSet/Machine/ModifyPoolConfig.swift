public import CoreState
public import Hardware
import Units

/// MODIFY_POOL_CONFIG: sets a configuration word of GpSimd's processors.
///
/// What the words mean is not published; programs set them before their body, and results of this
/// model do not depend on them. Source: device traces; the time is assumed.
public struct ModifyPoolConfig: MachineInstruction {
  /// Which word.
  public var index: Int32 = 0
  /// What it becomes.
  public var value = RegisterOperand.immediate(0)

  public var opcode: Opcode { .modifyPoolConfig }
  public init() {}

  /// Sets configuration word `index`.
  public init(_ index: Int, _ value: RegisterOperand) {
    self.index = Int32(index)
    self.value = value
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.integer("index", &index)
    try visitor.registerOrInteger("value", &value)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    guard index >= 0 else {
      throw rules.fault("index", .value(found: "\(index)", allowed: "0 and more"))
    }
  }

  /// The words have no effect that is known.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.modifyPoolConfig.value
    return .control(duration, next: duration)
  }
}
