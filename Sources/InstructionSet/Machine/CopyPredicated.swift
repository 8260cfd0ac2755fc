public import CoreState
public import Hardware
import NumericFormats
import Units

/// COPY_PREDICATED: copies the bits of the elements of `src` whose predicate holds; the others of
/// `dst` stay as they are.
///
/// Source: NKI instruction reference (tensor_copy_predicated), third-party micro-benchmarks (1.109
/// ns per element; documented N cycles with one side in PSUM, 2N in SBUF).
public struct CopyPredicated: MachineInstruction {
  /// What is changed.
  public var destination = AccessPattern()
  /// Where the elements come from, of the same format.
  public var source = AccessPattern()
  /// uint8, uint16 or uint32; what differs from zero holds.
  public var predicate = AccessPattern()
  /// The predicate holds where it is zero.
  public var isReversed = false

  public var opcode: Opcode { .copyPredicated }
  public init() {}

  /// dst = source where the predicate holds.
  public init(
    _ destination: AccessPattern, from source: AccessPattern, predicate: AccessPattern,
    isReversed: Bool = false
  ) {
    self.destination = destination
    self.source = source
    self.predicate = predicate
    self.isReversed = isReversed
  }

  public static let indirectOperands = ["dst", "predicate"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.read("predicate", &predicate)
    try visitor.flag("reverse", &isReversed)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("src", source, formats: [destination.format])
    try Self.checkPredicate(rules, predicate, like: destination)
    try rules.requireNotBothPSUM("predicate", source, predicate)
  }

  /// A predicate is an unsigned row of the result's shape.
  static func checkPredicate(
    _ rules: OperandRules, _ predicate: AccessPattern, like destination: AccessPattern
  ) throws(Fault) {
    try rules.require("predicate", predicate, like: destination)
    try rules.require("predicate", predicate, formats: [.uint8, .uint16, .uint32])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.loadBits(source, partition: partition, into: .a, engine: engine)
      Self.merge(
        &core, predicate, isReversed, into: destination, partition: partition, engine: engine)
    }
  }

  /// Stores the first row of bits where the predicate holds.
  static func merge(
    _ core: inout CoreState, _ predicate: AccessPattern, _ isReversed: Bool,
    into destination: AccessPattern, partition: Int, engine: Engine
  ) {
    core.loadBits(predicate, partition: partition, into: .b, engine: engine)
    core.loadBits(destination, partition: partition, into: .c, engine: engine)
    core.rows.selectBits(
      .b, isReversed: isReversed, onTrue: .a, onFalse: .c, into: .c, count: destination.columns)
    core.storeBits(.c, to: destination, partition: partition, engine: engine)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    let isMixed = source.space != predicate.space || destination.space == .psum
    let rate = isMixed ? law.rates.copyPSUM : law.rates.copyPredicated
    let shape = StreamShape(source, predicate, to: destination, rate: rate.value)
    return .vector(
      device, shape, startup: shape.readsPSUM ? nil : law.startupCopyPredicated.value)
  }
}
