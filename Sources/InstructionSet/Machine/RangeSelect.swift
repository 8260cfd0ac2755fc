public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// RANGE_SELECT: keeps the elements whose place, counted from `start`, compares true with both
/// bounds of the partition; the others become the lowest fp32 number. The largest result of each
/// partition may go to the vector engine's reduce registers.
///
/// Places are compared in fp32, exact below 2^24.
/// Source: NKI instruction reference (range_select: NeuronCore-v3 and newer, one element per
/// cycle). That its register begins at -infinity, as select_reduce's does, is assumed.
public struct RangeSelect: MachineInstruction {
  // Small operands lie between the large ones, where they take no room of their own.
  /// The result.
  public var destination = AccessPattern()
  /// Floating-point elements.
  public var source = AccessPattern()
  /// eq, lt, le, gt or ge: the place is on its left.
  public var op0 = ALUOperation.greaterEqual
  /// As `op0`.
  public var op1 = ALUOperation.lessThan
  /// What happens to the registers; the reduction is a maximum.
  public var command = AccumulatorCommand.idle
  /// The place of the first element.
  public var start: Int32 = 0
  /// One fp32 value per partition.
  public var bound0 = AccessPattern()
  /// One fp32 value per partition.
  public var bound1 = AccessPattern()

  public var opcode: Opcode { .rangeSelect }
  public init() {}

  /// Keeps elements whose place is `op0 bound0` and `op1 bound1`.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ op0: ALUOperation,
    _ bound0: AccessPattern, _ op1: ALUOperation, _ bound1: AccessPattern, start: Int = 0,
    command: AccumulatorCommand = .idle
  ) {
    self.destination = destination
    self.source = source
    self.op0 = op0
    self.bound0 = bound0
    self.op1 = op1
    self.bound1 = bound1
    self.start = Int32(truncatingIfNeeded: start)
    self.command = command
  }

  /// What elements outside the range become.
  static let fill = -Float.greatestFiniteMagnitude

  /// The comparisons of places with bounds.
  static let comparisons: [ALUOperation] = [
    .isEqual, .lessThan, .lessEqual, .greaterThan, .greaterEqual,
  ]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op0", &op0)
    try visitor.read("bound0", &bound0)
    try visitor.choice("op1", &op1)
    try visitor.read("bound1", &bound1)
    try visitor.integer("start", &start)
    try visitor.choice("acc", &command)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    if source.format.isInteger {
      throw rules.fault(
        "src", .format(found: source.format.name, allowed: "floating-point formats"))
    }
    for (name, bound) in [("bound0", bound0), ("bound1", bound1)] {
      try rules.require(name, bound, columns: 1)
      try rules.require(name, bound, partitions: Int(destination.partitionCount))
      try rules.require(name, bound, formats: [.float32])
    }
    for (name, operation) in [("op0", op0), ("op1", op1)]
    where !Self.comparisons.contains(operation) {
      throw rules.fault(name, .value(found: operation.text, allowed: "eq, lt, le, gt, ge"))
    }
    let last = Int64(start) + Int64(source.columns)
    guard start > -(1 << 24), last <= 1 << 24 else {
      throw rules.fault(
        "start", .value(found: "\(start)", allowed: "places below 2^24, which fp32 holds exactly"))
    }
    try rules.require("acc", command, among: [.idle, .reset, .reduce, .resetReduce])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = destination.columns
    for index in 0..<count { core.rows[.d, index] = Float(Int(start) + index) }
    for partition in 0..<Int(destination.partitionCount) {
      let low = core.scalar(bound0, partition: partition, engine: engine)
      let high = core.scalar(bound1, partition: partition, engine: engine)
      core.rows.tensorScalar(
        .d, op0.kernel, low, reverse0: false, .bypass, 0, reverse1: false, into: .a, count: count)
      core.rows.tensorScalar(
        .d, op1.kernel, high, reverse0: false, .bypass, 0, reverse1: false, into: .b, count: count)
      core.rows.binary(.logicalAnd, .a, .b, into: .a, count: count)
      core.load(source, partition: partition, into: .b, engine: engine)
      core.rows.fill(.c, with: Self.fill, count: count)
      core.rows.select(.a, onTrue: .b, onFalse: .c, into: .b, count: count)
      core.accumulate(
        .b, count: count, .max, command, lane: Int(destination.startPartition) + partition)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.rangeSelect.value, pointers: 2))
  }
}
