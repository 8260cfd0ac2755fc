public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_REDUCE: reduces the innermost elements of each partition; every result takes one run of
/// source.columns / dst.columns consecutive elements of `src`, in its order.
///
/// A run is combined in sixteen lanes and then as a fixed tree, the same on every host; a
/// subtraction takes all others from the first, one after the other. Reduced axes that a caller
/// keeps have size one, which changes no pattern here.
/// Source: NKI instruction reference (tensor_reduce), profiler captures (one element per cycle).
public struct TensorReduce: MachineInstruction {
  /// The results.
  public var destination = AccessPattern()
  /// What is reduced.
  public var source = AccessPattern()
  /// add, sub, mul, max, min, absmax, absmin, a logical operation, or and, or, xor on raw bits.
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

  public static let indirectOperands = ["dst", "src"]

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
    guard operation.reduction != nil || operation == .subtract || isBitwise else {
      throw rules.fault(
        "op",
        .value(
          found: operation.text,
          allowed: "add, sub, mul, max, min, absmax, absmin, land, lor, lxor, and, or, xor"))
    }
    try rules.requireFormats("op", operation, [destination, source])
    if isBitwise, negate {
      throw rules.fault(
        "negate", .value(found: "negate with \(operation.text)", allowed: "arithmetic operations"))
    }
    if operation == .absMin { try rules.require("op", generation: 4) }
  }

  /// True for reductions of raw bits.
  private var isBitwise: Bool {
    operation == .bitwiseAnd || operation == .bitwiseOr || operation == .bitwiseXor
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let groups = destination.columns
    let size = source.columns / groups
    for partition in 0..<Int(destination.partitionCount) {
      if let bits = operation.bitKernel {
        core.loadBits(source, partition: partition, into: .a, engine: engine)
        core.rows.reduceBits(bits, .a, groups: groups, size: size, into: .b)
        core.storeBits(.b, to: destination, partition: partition, engine: engine)
        continue
      }
      core.load(source, partition: partition, into: .a, engine: engine)
      if let reduction = operation.reduction {
        core.rows.reduce(reduction, .a, groups: groups, size: size, negate: negate, into: .b)
      } else {
        core.rows.reduceBySubtraction(
          .a, groups: groups, size: size, negate: negate, into: .b)
      }
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
