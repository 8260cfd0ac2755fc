public import CoreState
public import Hardware
import NumericFormats
import Units

/// ACTIVATION_READ_ACCUMULATOR: writes the scalar engine's reduce registers of the partitions of
/// `dst` to memory.
///
/// Source: NKI instruction reference (activation_reduce), third-party micro-benchmarks (185 ns to
/// the next, 279 ns to the result).
public struct ActivationReadAccumulator: MachineInstruction {
  /// One value per partition.
  public var destination = AccessPattern()

  public var opcode: Opcode { .activationReadAccumulator }
  public init() {}

  /// dst [P, 1] = the reduce registers.
  public init(_ destination: AccessPattern) { self.destination = destination }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: 1)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.rows[.a, 0] = core.scalarAccumulators[Int(destination.startPartition) + partition]
      core.store(.a, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    var cost = Cost.fixedScalar(
      device.scalar.readAccumulatorReady.value, next: device.scalar.readAccumulatorIssue.value)
    cost.banks = destination.banks(bankBytes: device.memory.psumBankBytes.value)
    return cost
  }
}
