public import CoreState
public import Hardware
import NumericFormats
import Units

/// RNG: 32 random bits per element, cut to the size of the integers of `dst`.
///
/// Source: NKI instruction reference (rng: a linear feedback shift register up to NeuronCore-v3,
/// XORWOW on NeuronCore-v4's vector engine; GpSimd from NeuronCore-v3 on). Rates before
/// NeuronCore-v4 are not published and assumed.
public struct RandomBits: MachineInstruction {
  /// Integers.
  public var destination = AccessPattern()

  public var opcode: Opcode { .random }
  public init() {}

  /// dst = random bits.
  public init(_ destination: AccessPattern) { self.destination = destination }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    guard destination.format.isInteger else {
      throw rules.fault(
        "dst", .format(found: destination.format.name, allowed: "integer formats"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.drawRandom(
        destination.columns, lane: Int(destination.startPartition) + partition, into: .a,
        engine: engine)
      core.storeBits(.a, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    if engine == .gpsimd {
      return .gpsimd(
        device,
        StreamShape(to: destination, rate: device.gpsimd.randomCyclesPerElement.value))
    }
    return .vector(device, StreamShape(to: destination, rate: device.vector.rates.random.value))
  }
}
