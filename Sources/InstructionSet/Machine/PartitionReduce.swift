public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// How PARTITION_REDUCE combines the partitions of a column.
public enum PartitionReduction: UInt8, OperandChoice, BitwiseCopyable {
  case add, average, max, or, and

  public var text: String {
    switch self {
    case .add: "add"
    case .average: "average"
    case .max: "max"
    case .or: "or"
    case .and: "and"
    }
  }

  /// True for the operations on raw bits, which need integer formats.
  public var isBitwise: Bool { self == .or || self == .and }
}

/// PARTITION_REDUCE: dst[0, i] = src[0, i] op src[1, i] op …, partition after partition, in fp32 or
/// on raw bits.
///
/// Source: NKI instruction reference (tensor_partition_reduce); its cost is not published: assumed
/// one cycle per partition and element, since measured kernels call it very slow.
public struct PartitionReduce: MachineInstruction {
  /// One partition of results.
  public var destination = AccessPattern()
  /// What is reduced.
  public var source = AccessPattern()
  /// How two partitions combine.
  public var operation = PartitionReduction.add

  public var opcode: Opcode { .partitionReduce }
  public init() {}

  /// dst [1, N] = the reduction of the partitions of `source` [P, N].
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ operation: PartitionReduction
  ) {
    self.destination = destination
    self.source = source
    self.operation = operation
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op", &operation)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .sbuf)
    try rules.require("dst", destination, partitions: 1)
    try rules.require("src", source, in: .sbuf)
    try rules.require("src", source, columns: destination.columns)
    guard operation.isBitwise else { return }
    for (name, access) in [("dst", destination), ("src", source)] where !access.format.isInteger {
      throw rules.fault(
        name,
        .format(found: "\(operation.text) on \(access.format.name)", allowed: "integer formats"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    if operation.isBitwise {
      core.loadBits(source, partition: 0, into: .c, engine: engine)
      for partition in 1..<max(1, Int(source.partitionCount)) {
        core.loadBits(source, partition: partition, into: .a, engine: engine)
        core.rows.bitwise(operation == .or ? .or : .and, .c, .a, into: .c, count: count)
      }
      core.storeBits(.c, to: destination, partition: 0, engine: engine)
      return
    }
    core.load(source, partition: 0, into: .c, engine: engine)
    for partition in 1..<max(1, Int(source.partitionCount)) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.binary(operation == .max ? .max : .add, .c, .a, into: .c, count: count)
    }
    if operation == .average {
      core.rows.tensorScalar(
        .c, .divide, Float(source.partitionCount), reverse0: false, .bypass, 0, reverse1: false,
        into: .c, count: count)
    }
    core.store(.c, to: destination, partition: 0, engine: engine)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .gpsimd(
      device,
      StreamShape(
        source, to: destination, rate: device.gpsimd.partitionReduceCyclesPerElement.value,
        elements: source.columns))
  }
}
