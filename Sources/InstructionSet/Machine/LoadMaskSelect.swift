public import CoreState
public import Hardware
import NumericFormats
import Units

/// LOAD_MASK_SELECT: the vector engine takes over a selection of the 32 partitions of a quadrant,
/// as shuffles and predicated copies use it.
///
/// An instruction of this model names its own selection, so that loading one changes nothing; the
/// row takes its time. Source: device traces; the time is assumed.
public struct LoadMaskSelect: MachineInstruction {
  /// 32 selections, uint8.
  public var source = AccessPattern()

  public var opcode: Opcode { .loadMaskSelect }
  public init() {}

  /// Takes over the selection in `source` [1, 32].
  public init(_ source: AccessPattern) { self.source = source }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, in: .sbuf)
    try rules.require("src", source, formats: [.uint8])
    try rules.require("src", source, partitions: 1)
    try rules.require("src", source, columns: StreamTranspose.side)
  }

  /// Selections are operands of the instructions that use them.
  public func execute(on core: inout CoreState, engine: Engine) {}

  public func cost(on device: Device, engine: Engine) -> Cost {
    let duration = device.sequencer.loadMaskSelect.value
    return .control(duration, next: duration)
  }
}
