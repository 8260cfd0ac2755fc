public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// RECIPROCAL: dst = 1 / src, correctly rounded.
///
/// Source: NKI instruction reference (documented 8 cycles per element), profiler captures and
/// third-party micro-benchmarks (6 cycles per element; the measurement wins).
public struct Reciprocal: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// What is inverted.
  public var source = AccessPattern()

  public var opcode: Opcode { .reciprocal }
  public init() {}

  /// dst = 1 / src.
  public init(_ destination: AccessPattern, _ source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.unary(.reciprocal, .a, into: .a, count: source.columns)
      core.store(.a, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.reciprocalCyclesPerElement.value * 10))
  }
}
