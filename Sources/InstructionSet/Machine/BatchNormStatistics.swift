public import CoreState
public import Hardware
import NumericFormats
import Units

/// BN_STATS: count, mean and variance times count of the even elements of each partition, then of
/// the odd ones.
///
/// Source: NKI instruction reference (bn_stats: at most 512 elements, one per cycle).
public struct BatchNormStatistics: MachineInstruction {
  /// Six fp32 values per partition.
  public var destination = AccessPattern()
  /// What is described.
  public var source = AccessPattern()

  public var opcode: Opcode { .batchNormStatistics }
  public init() {}

  /// dst [P, 6] = statistics of `source`.
  public init(_ destination: AccessPattern, _ source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  /// Values of one partition's result.
  static let resultCount = 6

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: Self.resultCount)
    try rules.require("dst", destination, formats: [.float32])
    try rules.require("src", source, partitions: Int(destination.partitionCount))
    let limit = rules.device.vector.batchNormElementsMaximum.value
    guard source.columns <= limit else {
      throw rules.fault("src", .tooManyElements(found: source.columns, limit: limit))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.batchNormStatistics(.a, count: source.columns, into: .b)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.batchNormStatistics.value,
        elements: source.columns))
  }
}
