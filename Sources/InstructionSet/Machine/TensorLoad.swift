public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_LOAD: reads one 32-bit word of HBM or SBUF into a register of the engine's sequencer.
///
/// Source: profiler captures (472 to 677 ns for one word of HBM; SBUF is assumed as slow).
public struct TensorLoad: MachineInstruction {
  /// The register that is set.
  public var destination: UInt8 = 0
  /// One element of four bytes in HBM or SBUF.
  public var source = DataLocation.onChip(AccessPattern())

  public var opcode: Opcode { .tensorLoad }
  public init() {}

  /// Reads the word that `source` names in HBM.
  public init(_ destination: Int, from source: TensorAccess) {
    self.init(destination, from: .hbm(source))
  }

  /// Reads the word that `source` names.
  public init(_ destination: Int, from source: DataLocation) {
    self.destination = UInt8(destination)
    self.source = source
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.register("rd", &destination)
    try visitor.transfer("src", &source, isWrite: false)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try Self.checkWord(rules, "src", source)
  }

  /// The location must be one element of four bytes.
  static func checkWord(_ rules: OperandRules, _ name: String, _ location: DataLocation)
    throws(Fault)
  {
    guard location.count == 1 else {
      throw rules.fault(name, .elementCountMismatch(found: location.count, expected: 1))
    }
    guard location.format.sizeBytes == 4 else {
      throw rules.fault(
        name, .format(found: location.format.name, allowed: "int32, uint32, fp32"))
    }
  }

  /// Without images of the memories the word is not known.
  public func execute(on core: inout CoreState, engine: Engine) {
    guard core.hasData else {
      core.forgetRegister(destination, of: engine)
      return
    }
    switch source {
    case .hbm(let access):
      core.setRegister(destination, of: engine, to: core.word(access, engine: engine))
    case .onChip(let access):
      let bits = core.elementBits(access, engine: engine)[0]
      core.setRegister(destination, of: engine, to: Int32(bitPattern: bits))
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.tensorLoadOneWord.value
    return .control(duration, next: duration)
  }
}
