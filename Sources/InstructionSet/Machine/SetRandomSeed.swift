public import CoreState
public import Hardware
import NumericFormats
import Units

/// SET_RNG_SEED: starts the vector engine's random number generators again from one 32-bit seed.
///
/// Source: NKI instruction reference (set_rng_seed). How lanes differ is not published and assumed;
/// so is its cost, that of one element.
public struct SetRandomSeed: MachineInstruction {
  /// One int32 or uint32 element.
  public var source = AccessPattern()

  public var opcode: Opcode { .setRandomSeed }
  public init() {}

  /// Seeds all lanes from `source` [1, 1].
  public init(_ source: AccessPattern) { self.source = source }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, columns: 1)
    try rules.require("src", source, partitions: 1)
    try rules.require("src", source, formats: [.int32, .uint32])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.loadBits(source, partition: 0, into: .a, engine: engine)
    core.seedVectorRandom(core.rows.bit(.a, 0))
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(device, StreamShape(source, to: nil, rate: device.vector.rates.copyPSUM.value))
  }
}
