public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// TENSOR_SCALAR_REDUCE: dst = src op0 operand0, and the results of each partition are reduced onto
/// the vector engine's register of that lane.
///
/// The reduction takes the fp32 results before they are cast. VECTOR_READ_ACCUMULATOR writes the
/// registers to memory.
/// Source: NKI instruction reference (tensor_scalar_reduce: N cycles, and 64 more to read the
/// registers).
public struct TensorScalarReduce: MachineInstruction {
  /// The element-wise results.
  public var destination = AccessPattern()
  /// The row operand.
  public var source = AccessPattern()
  /// The operation on every element.
  public var operation = ALUOperation.add
  /// Its scalar.
  public var operand = ScalarOperand.immediate(0)
  /// Puts the scalar on the left.
  public var isReversed = false
  /// add, mul, max or min.
  public var reduction = ALUOperation.add
  /// What happens to the registers.
  public var command = AccumulatorCommand.resetReduce
  /// What `load_reduce` begins with.
  public var initial = ScalarOperand.immediate(0)

  public var opcode: Opcode { .tensorScalarReduce }
  public init() {}

  /// dst = source operation operand, reduced by `reduction` as `command` says.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ operation: ALUOperation,
    _ operand: ScalarOperand, isReversed: Bool = false, reduction: ALUOperation,
    command: AccumulatorCommand = .resetReduce, initial: ScalarOperand = .immediate(0)
  ) {
    self.destination = destination
    self.source = source
    self.operation = operation
    self.operand = operand
    self.isReversed = isReversed
    self.reduction = reduction
    self.command = command
    self.initial = initial
  }

  /// The reductions that the registers have.
  static let reductions: [ALUOperation] = [.add, .multiply, .max, .min]

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op0", &operation)
    try visitor.scalar("s0", &operand)
    try visitor.flag("reverse0", &isReversed)
    try visitor.choice("reduce", &reduction)
    try visitor.choice("acc", &command)
    try visitor.scalar("initial", &initial)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("s0", operand, like: destination)
    try rules.require("initial", initial, like: destination)
    if !operation.isBinaryArithmetic {
      throw rules.fault("op0", .value(found: operation.text, allowed: "arithmetic operations"))
    }
    guard Self.reductions.contains(reduction) else {
      throw rules.fault(
        "reduce", .value(found: reduction.text, allowed: "add, mul, max, min"))
    }
    if command != .loadReduce, initial != .immediate(0) {
      throw rules.fault(
        "initial", .value(found: "given with \(command.text)", allowed: "with load_reduce only"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard let reduction = reduction.reduction else { return }
    let count = source.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.tensorScalar(
        .a, operation.kernel, operand.value(core, partition: partition, engine: engine),
        reverse0: isReversed, .bypass, 0, reverse1: false, into: .b, count: count)
      let initial = initial.value(core, partition: partition, engine: engine)
      core.accumulate(
        .b, count: count, reduction, command, initial: initial,
        lane: Int(destination.startPartition) + partition)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.scalarReduce.value,
        pointers: operand.pointerCount + initial.pointerCount))
  }
}

extension CoreState {
  /// Reduces a row onto the vector engine's register of a lane, as the command says.
  mutating func accumulate(
    _ row: Row, count: Int, _ reduction: ReductionOperation, _ command: AccumulatorCommand,
    initial: Float = 0, lane: Int
  ) {
    guard command != .idle else { return }
    let results = command.reduces ? rows.reduction(reduction, row, count: count) : 0
    vectorAccumulators[lane] = command.applied(
      to: vectorAccumulators[lane], reduction, of: results, initial: initial)
  }
}
