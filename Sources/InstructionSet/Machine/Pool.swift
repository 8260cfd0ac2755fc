public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// How POOL combines the elements of a window.
public enum PoolOperation: UInt8, OperandChoice, BitwiseCopyable {
  case max, min, add, average

  public var text: String {
    switch self {
    case .max: "max"
    case .min: "min"
    case .add: "add"
    case .average: "average"
    }
  }
}

/// POOL: every result combines one window of `src`: the next src.columns / dst.columns elements of
/// its pattern, whose outer dimensions walk over the results and whose inner ones over a window.
///
/// Source: device traces; third-party micro-benchmarks (windows of 3 × 3: a start-up and one
/// consumed element per cycle).
public struct Pool: MachineInstruction {
  /// The results.
  public var destination = AccessPattern()
  /// The windows, which may overlap.
  public var source = AccessPattern()
  /// How a window combines.
  public var operation = PoolOperation.max

  public var opcode: Opcode { .pool }
  public init() {}

  /// dst = each window of `source` combined.
  public init(_ destination: AccessPattern, _ source: AccessPattern, _ operation: PoolOperation) {
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
    try rules.require("src", source, partitions: Int(destination.partitionCount))
    guard source.columns % destination.columns == 0 else {
      let expected = (source.columns / destination.columns + 1) * destination.columns
      throw rules.fault(
        "src", .elementCountMismatch(found: source.columns, expected: expected))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let groups = destination.columns
    let size = source.columns / groups
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.reduce(
        operation == .max ? .max : operation == .min ? .min : .add, .a, groups: groups,
        size: size, negate: false, into: .b)
      if operation == .average {
        core.rows.tensorScalar(
          .b, .divide, Float(size), reverse0: false, .bypass, 0, reverse1: false, into: .b,
          count: groups)
      }
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.reduce.value,
        elements: source.columns))
  }
}
