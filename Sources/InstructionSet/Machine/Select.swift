public import CoreState
public import Hardware
import NumericFormats
import Units

/// SELECT: dst = onTrue where the predicate differs from zero, else onFalse.
///
/// Source: NKI instruction reference (select without its reduction); the rate is that of
/// TENSOR_TENSOR, since none is published.
public struct Select: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// Zero takes `onFalse`, everything else `onTrue`.
  public var predicate = AccessPattern()
  /// Taken where the predicate differs from zero.
  public var onTrue = AccessPattern()
  /// Taken where the predicate is zero.
  public var onFalse = AccessPattern()

  public var opcode: Opcode { .select }
  public init() {}

  /// dst = predicate ? onTrue : onFalse.
  public init(
    _ destination: AccessPattern, predicate: AccessPattern, onTrue: AccessPattern,
    onFalse: AccessPattern
  ) {
    self.destination = destination
    self.predicate = predicate
    self.onTrue = onTrue
    self.onFalse = onFalse
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("predicate", &predicate)
    try visitor.read("true", &onTrue)
    try visitor.read("false", &onFalse)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("predicate", predicate, like: destination)
    try rules.require("true", onTrue, like: destination)
    try rules.require("false", onFalse, like: destination)
    try rules.requireNotBothPSUM("false", onTrue, onFalse)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(predicate, partition: partition, into: .a, engine: engine)
      core.load(onTrue, partition: partition, into: .b, engine: engine)
      core.load(onFalse, partition: partition, into: .c, engine: engine)
      core.rows.select(
        .a, onTrue: .b, onFalse: .c, into: .d, count: destination.columns)
      core.store(.d, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        predicate, onTrue, onFalse, to: destination,
        rate: device.vector.rates.select.value))
  }
}
