public import CoreState
public import Hardware
import NumericFormats
import Units

/// BN_AGGR: combines triples of count, mean and variance times count into one mean and variance.
///
/// Source: NKI instruction reference (bn_aggr: 13 cycles per triple).
public struct BatchNormAggregate: MachineInstruction {
  /// Mean and variance of each partition.
  public var destination = AccessPattern()
  /// Triples, as BN_STATS writes them.
  public var source = AccessPattern()

  public var opcode: Opcode { .batchNormAggregate }
  public init() {}

  /// dst [P, 2] = mean and variance of the triples of `source` [P, 3n].
  public init(_ destination: AccessPattern, _ source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: 2)
    try rules.require("src", source, partitions: Int(destination.partitionCount))
    guard source.columns % 3 == 0 else {
      throw rules.fault(
        "src",
        .elementCountMismatch(found: source.columns, expected: (source.columns / 3 + 1) * 3))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.batchNormAggregate(.a, count: source.columns, into: .b)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let rates = device.vector.rates
    // Whole cycles per triple: the stream counts triples, each of so many hundredths.
    let denominator = Int(rates.batchNormAggregateDenominator.value)
    return .vector(
      device,
      StreamShape(
        source, to: destination, rate: rates.batchNormAggregateNumerator.value * 100,
        elements: (source.columns + denominator - 1) / denominator))
  }
}
