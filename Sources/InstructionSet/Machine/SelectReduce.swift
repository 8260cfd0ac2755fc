public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// SELECT_REDUCE: dst = onTrue where the predicate holds, else a value per partition; the largest
/// result of each partition may go to the vector engine's reduce registers.
///
/// Source: NKI instruction reference (select_reduce). Its rate is not published and assumed to be
/// that of TENSOR_TENSOR.
public struct SelectReduce: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// Integers of one or two bytes; what differs from zero holds.
  public var predicate = AccessPattern()
  /// Taken where the predicate holds.
  public var onTrue = AccessPattern()
  /// Taken elsewhere.
  public var onFalse = ScalarOperand.immediate(0)
  /// The predicate holds where it is zero.
  public var isReversed = false
  /// What happens to the registers; the reduction is a maximum.
  public var command = AccumulatorCommand.idle

  public var opcode: Opcode { .selectReduce }
  public init() {}

  /// dst = predicate ? onTrue : onFalse.
  public init(
    _ destination: AccessPattern, predicate: AccessPattern, onTrue: AccessPattern,
    onFalse: ScalarOperand, isReversed: Bool = false, command: AccumulatorCommand = .idle
  ) {
    self.destination = destination
    self.predicate = predicate
    self.onTrue = onTrue
    self.onFalse = onFalse
    self.isReversed = isReversed
    self.command = command
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("predicate", &predicate)
    try visitor.read("true", &onTrue)
    try visitor.scalar("false", &onFalse)
    try visitor.flag("reverse", &isReversed)
    try visitor.choice("acc", &command)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("predicate", predicate, like: destination)
    try rules.require("true", onTrue, like: destination)
    try rules.require("false", onFalse, like: destination)
    try rules.require("predicate", predicate, formats: [.int8, .uint8, .int16, .uint16])
    if [.tensorFloat32, .int32, .uint32].contains(onTrue.format) {
      throw rules.fault(
        "true", .format(found: onTrue.format.name, allowed: "all but tf32, int32 and uint32"))
    }
    try rules.requireNotBothPSUM("true", predicate, onTrue)
    try rules.require("acc", command, among: [.idle, .reduce, .resetReduce])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = destination.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.load(predicate, partition: partition, into: .a, engine: engine)
      core.load(onTrue, partition: partition, into: .b, engine: engine)
      core.rows.fill(
        .c, with: onFalse.value(core, partition: partition, engine: engine), count: count)
      core.rows.select(
        .a, onTrue: isReversed ? .c : .b, onFalse: isReversed ? .b : .c, into: .d, count: count)
      core.accumulate(
        .d, count: count, .max, command, lane: Int(destination.startPartition) + partition)
      core.store(.d, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        predicate, onTrue, to: destination, rate: device.vector.rates.select.value,
        pointers: onFalse.pointerCount))
  }
}
