public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_STORE: writes a register of the engine's sequencer to one 32-bit word of HBM or SBUF.
///
/// Source: NKI instruction reference (register_store); the time is assumed, as a load of one word.
public struct TensorStore: MachineInstruction {
  /// One element of four bytes in HBM or SBUF.
  public var destination = DataLocation.onChip(AccessPattern())
  /// The register that is written.
  public var source: UInt8 = 0

  public var opcode: Opcode { .tensorStore }
  public init() {}

  /// Writes a register to the word that `destination` names.
  public init(_ destination: DataLocation, from source: Int) {
    self.destination = destination
    self.source = UInt8(source)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.transfer("dst", &destination, isWrite: true)
    try visitor.register("rs", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try TensorLoad.checkWord(rules, "dst", destination)
  }

  /// Without images of the memories nothing is written.
  public func execute(on core: inout CoreState, engine: Engine) {
    guard core.hasData else { return }
    let value = core.register(source, of: engine)
    switch destination {
    case .hbm(let access): core.setWord(access, to: value, engine: engine)
    case .onChip(let access):
      core.setElementBits(access, to: [UInt32(bitPattern: value)], engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.tensorStoreOneWord.value
    return .control(duration, next: duration)
  }
}
