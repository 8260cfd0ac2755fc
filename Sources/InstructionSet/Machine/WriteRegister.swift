public import CoreState
public import Hardware
import Units

/// WRITE: the sequencer writes one 32-bit word to a register of the device, such as a doorbell.
///
/// Nothing that the model holds lies behind these addresses: a transfer whose doorbell it rings is
/// PSEUDO_DMA_TRIGGER here. Source: device traces; the time is assumed.
public struct WriteRegister: MachineInstruction {
  /// Bytes from the beginning of the core's window of device registers.
  public var address: Int32 = 0
  /// What is written.
  public var value = RegisterOperand.immediate(0)

  public var opcode: Opcode { .writeRegister }
  public init() {}

  /// Writes `value` at `address`.
  public init(_ address: Int, _ value: RegisterOperand) {
    self.address = Int32(address)
    self.value = value
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.integer("address", &address)
    try visitor.registerOrInteger("value", &value)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    guard address >= 0, address % 4 == 0 else {
      throw rules.fault(
        "address", .value(found: "\(address)", allowed: "0 and more, in multiples of 4"))
    }
  }

  /// Device registers are not modelled.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.registerWrite.value
    return .control(duration, next: duration)
  }
}
