public import CoreState
public import Hardware
import NumericFormats
import Units

/// DROPOUT: dst = src with elements replaced by zero at random, each with the partition's
/// probability.
///
/// An element is dropped where a uniform number below one, drawn from the vector engine's generator
/// of the lane, is below the probability: never at 0, always at 1.
/// Source: NKI instruction reference (dropout: one element per cycle); how the engine compares is
/// not published and assumed.
public struct Dropout: MachineInstruction {
  /// The result, of the format of `src` when that is an integer format.
  public var destination = AccessPattern()
  /// What is kept or dropped.
  public var source = AccessPattern()
  /// How likely an element is dropped.
  public var probability = ScalarOperand.immediate(0)

  public var opcode: Opcode { .dropout }
  public init() {}

  /// dst = source with elements dropped.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, probability: ScalarOperand
  ) {
    self.destination = destination
    self.source = source
    self.probability = probability
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.scalar("prob", &probability)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("prob", probability, like: destination)
    if source.format.isInteger {
      try rules.require("dst", destination, formats: [source.format])
      if let pattern = probability.pattern {
        try rules.require("prob", pattern, formats: [.float32])
      }
    }
    if case .immediate(let value) = probability, !(0...1).contains(value) {
      throw rules.fault("prob", .value(found: "\(value)", allowed: "0 to 1"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.drawRandom(
        count, lane: Int(destination.startPartition) + partition, into: .b, engine: engine)
      let probability = probability.value(core, partition: partition, engine: engine)
      let keepsBits = source.format == destination.format
      if keepsBits {
        core.loadBits(source, partition: partition, into: .a, engine: engine)
      } else {
        core.load(source, partition: partition, into: .a, engine: engine)
      }
      for index in 0..<count
      where UniformFloat.unit(core.rows.bit(.b, index)) < probability {
        core.rows.setBit(.a, index, to: 0)
        core.rows[.a, index] = 0
      }
      if keepsBits {
        core.storeBits(.a, to: destination, partition: partition, engine: engine)
      } else {
        core.store(.a, to: destination, partition: partition, engine: engine)
      }
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.dropout.value,
        pointers: probability.pointerCount))
  }
}
