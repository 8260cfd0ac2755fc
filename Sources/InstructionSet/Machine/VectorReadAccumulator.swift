public import CoreState
public import Hardware
import NumericFormats
import Units

/// VECTOR_READ_ACCUMULATOR: writes the vector engine's reduce registers of the partitions of `dst`
/// to memory, negated if asked.
///
/// Source: NKI instruction reference (reduce_res of tensor_scalar_reduce, select_reduce,
/// range_select and exponential; 64 cycles more than without). That a row of its own reads the
/// registers, as on the scalar engine, is assumed.
public struct VectorReadAccumulator: MachineInstruction {
  /// One value per partition.
  public var destination = AccessPattern()
  /// Changes the sign.
  public var negate = false

  public var opcode: Opcode { .vectorReadAccumulator }
  public init() {}

  /// dst [P, 1] = the reduce registers.
  public init(_ destination: AccessPattern, negate: Bool = false) {
    self.destination = destination
    self.negate = negate
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.flag("negate", &negate)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: 1)
    if destination.format.isInteger {
      throw rules.fault(
        "dst", .format(found: destination.format.name, allowed: "floating-point formats"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      let value = core.vectorAccumulators[Int(destination.startPartition) + partition]
      core.rows[.a, 0] = negate ? -value : value
      core.store(.a, to: destination, partition: partition, engine: engine)
    }
  }

  /// The documented cycles stand for the stream of one element.
  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        to: destination, rate: device.vector.reduceReadExtra.value * 100, elements: 1))
  }
}
