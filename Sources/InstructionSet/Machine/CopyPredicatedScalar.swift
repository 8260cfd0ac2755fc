public import CoreState
public import Hardware
import NumericFormats
import Units

/// COPY_PREDICATED_SCALAR: sets the elements of `dst` whose predicate holds to one value; the
/// others stay as they are.
///
/// Source: NKI instruction reference (tensor_copy_predicated with a number), third-party
/// micro-benchmarks (155.5 ns and 1.109 ns per element).
public struct CopyPredicatedScalar: MachineInstruction {
  /// What is changed.
  public var destination = AccessPattern()
  /// The value, cast to the format of `dst`.
  public var value: Float = 0
  /// uint8, uint16 or uint32; what differs from zero holds.
  public var predicate = AccessPattern()
  /// The predicate holds where it is zero.
  public var isReversed = false

  public var opcode: Opcode { .copyPredicatedScalar }
  public init() {}

  /// dst = value where the predicate holds.
  public init(
    _ destination: AccessPattern, _ value: Float, predicate: AccessPattern,
    isReversed: Bool = false
  ) {
    self.destination = destination
    self.value = value
    self.predicate = predicate
    self.isReversed = isReversed
  }

  public static let indirectOperands = ["dst", "predicate"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.immediate("value", &value)
    try visitor.read("predicate", &predicate)
    try visitor.flag("reverse", &isReversed)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try CopyPredicated.checkPredicate(rules, predicate, like: destination)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let bits = core.rowBits(of: value, in: destination.format)
    core.rows.fillBits(.a, with: bits, count: destination.columns)
    for partition in 0..<Int(destination.partitionCount) {
      CopyPredicated.merge(
        &core, predicate, isReversed, into: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    let isMixed = predicate.space != destination.space
    let rate = isMixed ? law.rates.copyPSUM : law.rates.copyPredicated
    let shape = StreamShape(predicate, to: destination, rate: rate.value)
    return .vector(
      device, shape, startup: shape.readsPSUM ? nil : law.startupCopyPredicated.value)
  }
}
