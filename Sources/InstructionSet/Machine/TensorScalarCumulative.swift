public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// TENSOR_SCALAR_CUMULATIVE: dst[i] = (src[i] op0 s0) op1 dst[i-1]; the result before the first is
/// the lane's reduce register, to which the last one goes.
///
/// Source: NKI instruction reference (tensor_scalar_cumulative). Its rate is not published and
/// assumed as one element per cycle, with two cycles as the end of its range.
public struct TensorScalarCumulative: MachineInstruction {
  /// The running results.
  public var destination = AccessPattern()
  /// The row operand.
  public var source = AccessPattern()
  /// The operation on every element.
  public var op0 = ALUOperation.add
  /// Its scalar.
  public var operand: Float = 0
  /// Puts the scalar on the left.
  public var isReversed = false
  /// add, sub, mul, max or min; the running result is on its right.
  public var op1 = ALUOperation.add
  /// reset_reduce, load_reduce or reduce.
  public var command = AccumulatorCommand.resetReduce
  /// What `load_reduce` begins with.
  public var initial: Float = 0

  public var opcode: Opcode { .tensorScalarCumulative }
  public init() {}

  /// dst[i] = (source[i] op0 operand) op1 dst[i-1].
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ op0: ALUOperation, _ operand: Float,
    isReversed: Bool = false, _ op1: ALUOperation, command: AccumulatorCommand = .resetReduce,
    initial: Float = 0
  ) {
    self.destination = destination
    self.source = source
    self.op0 = op0
    self.operand = operand
    self.isReversed = isReversed
    self.op1 = op1
    self.command = command
    self.initial = initial
  }

  /// The running operations.
  static let runningOperations: [ALUOperation] = [.add, .subtract, .multiply, .max, .min]

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op0", &op0)
    try visitor.immediate("s0", &operand)
    try visitor.flag("reverse0", &isReversed)
    try visitor.choice("op1", &op1)
    try visitor.choice("acc", &command)
    try visitor.immediate("initial", &initial)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    if !op0.isBinaryArithmetic {
      throw rules.fault("op0", .value(found: op0.text, allowed: "arithmetic operations"))
    }
    guard Self.runningOperations.contains(op1) else {
      throw rules.fault("op1", .value(found: op1.text, allowed: "add, sub, mul, max, min"))
    }
    for (name, access) in [("dst", destination), ("src", source)]
    where access.format == .int32 || access.format == .uint32 {
      throw rules.fault(
        name, .format(found: access.format.name, allowed: "all but int32 and uint32"))
    }
    try rules.require("acc", command, among: [.resetReduce, .loadReduce, .reduce])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    for partition in 0..<Int(destination.partitionCount) {
      let lane = Int(destination.startPartition) + partition
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.tensorScalar(
        .a, op0.kernel, operand, reverse0: isReversed, .bypass, 0, reverse1: false, into: .b,
        count: count)
      core.vectorAccumulators[lane] = core.rows.scan(
        op1.kernel, .bypass, .b, .b, initial: start(core.vectorAccumulators[lane]), into: .c,
        count: count)
      core.store(.c, to: destination, partition: partition, engine: engine)
    }
  }

  /// The result before the first element.
  private func start(_ register: Float) -> Float {
    switch command {
    case .loadReduce: initial
    case .resetReduce: op1 == .subtract ? 0 : op1.reduction?.identity ?? 0
    default: register
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.scalarCumulative.value))
  }
}
