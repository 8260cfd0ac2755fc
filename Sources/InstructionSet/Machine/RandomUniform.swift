public import CoreState
public import Hardware
import NumericFormats
import Units

/// RAND2: random numbers, uniform from `minimum` to `maximum`, by the vector engine's XORWOW
/// generators.
///
/// Source: NKI instruction reference (rand2: NeuronCore-v4 and newer, four words per lane and
/// cycle); how a word becomes a number is not published and assumed.
public struct RandomUniform: MachineInstruction {
  /// Floating-point numbers.
  public var destination = AccessPattern()
  /// The lowest number.
  public var minimum = ScalarOperand.immediate(0)
  /// What all numbers are below, but for rounding.
  public var maximum = ScalarOperand.immediate(1)

  public var opcode: Opcode { .randomUniform }
  public init() {}

  /// dst = uniform numbers in [minimum, maximum).
  public init(_ destination: AccessPattern, minimum: ScalarOperand, maximum: ScalarOperand) {
    self.destination = destination
    self.minimum = minimum
    self.maximum = maximum
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.scalar("min", &minimum)
    try visitor.scalar("max", &maximum)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    if destination.format.isInteger {
      throw rules.fault(
        "dst", .format(found: destination.format.name, allowed: "floating-point formats"))
    }
    try rules.require("min", minimum, like: destination)
    try rules.require("max", maximum, like: destination)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = destination.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.drawRandom(
        count, lane: Int(destination.startPartition) + partition, into: .a, engine: engine)
      let low = minimum.value(core, partition: partition, engine: engine)
      let high = maximum.value(core, partition: partition, engine: engine)
      for index in 0..<count {
        core.rows[.a, index] = UniformFloat.between(low, high, core.rows.bit(.a, index))
      }
      core.store(.a, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        to: destination, rate: device.vector.rates.random.value,
        pointers: minimum.pointerCount + maximum.pointerCount))
  }
}
