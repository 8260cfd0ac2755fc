public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_REDUCE: reduces the innermost elements of each partition; every result takes one run of
/// source.columns / dst.columns consecutive elements of `src`, in its order.
///
/// A run is combined in sixteen lanes and then as a fixed tree, the same on every host.
/// Source: NKI instruction reference (tensor_reduce), profiler captures (one element per cycle).
public struct TensorReduce: MachineInstruction {
  /// The results.
  public var destination = AccessPattern()
  /// What is reduced.
  public var source = AccessPattern()
  /// add, mul, max, min or absmax.
  public var operation = ALUOperation.add
  /// Changes the sign of each result.
  public var negate = false

  public var opcode: Opcode { .tensorReduce }
  public init() {}

  /// dst = the reduction of the runs of `source`.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ operation: ALUOperation,
    negate: Bool = false
  ) {
    self.destination = destination
    self.source = source
    self.operation = operation
    self.negate = negate
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op", &operation)
    try visitor.flag("negate", &negate)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, partitions: Int(destination.partitionCount))
    guard source.columns % destination.columns == 0 else {
      let expected = (source.columns / destination.columns + 1) * destination.columns
      throw rules.fault(
        "src", .elementCountMismatch(found: source.columns, expected: expected))
    }
    guard operation.reduction != nil else {
      throw rules.fault(
        "op", .value(found: operation.text, allowed: "add, mul, max, min, absmax"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard let reduction = operation.reduction else { return }
    let groups = destination.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.reduce(
        reduction, .a, groups: groups, size: source.columns / groups, negate: negate, into: .b)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    let is16 = source.format.sizeBytes == 2
    let rate = is16 ? law.rates.reduce16 : law.rates.reduce
    return .vector(
      device,
      StreamShape(source, to: destination, rate: rate.value, elements: source.columns),
      startup: is16 && source.space == .sbuf ? law.startupReduce16.value : nil)
  }
}
