public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_LOAD: reads one 32-bit word of an HBM tensor into a register of the engine's sequencer.
///
/// Source: profiler captures (472 to 677 ns for one word).
public struct TensorLoad: MachineInstruction {
  /// The register that is set.
  public var destination: UInt8 = 0
  /// One element of four bytes in HBM.
  public var source = DataLocation.onChip(AccessPattern())

  public var opcode: Opcode { .tensorLoad }
  public init() {}

  /// Reads the word that `source` names.
  public init(_ destination: Int, from source: TensorAccess) {
    self.destination = UInt8(destination)
    self.source = .hbm(source)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.register("rd", &destination)
    try visitor.transfer("src", &source, isWrite: false)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    guard source.isHBM else {
      throw rules.fault("src", .space(found: "sbuf", allowed: "hbm"))
    }
    guard source.count == 1 else {
      throw rules.fault("src", .elementCountMismatch(found: source.count, expected: 1))
    }
    guard source.format.sizeBytes == 4 else {
      throw rules.fault(
        "src", .format(found: source.format.name, allowed: "int32, uint32, fp32"))
    }
  }

  /// Without an image of HBM the word is zero.
  public func execute(on core: inout CoreState, engine: Engine) {
    guard case .hbm(let access) = source, core.hasData else { return }
    core.setRegister(destination, of: engine, to: core.word(access, engine: engine))
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.tensorLoadOneWord.value
    return .control(duration, next: duration)
  }
}
