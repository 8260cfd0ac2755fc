public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// ACTIVATE2: dst = function((src op0 operand0) op1 operand1) in fp32; the results before the cast
/// may be reduced onto the scalar engine's reduce registers.
///
/// Source: NKI instruction reference (activate2: NeuronCore-v4 and newer). Its cost is not
/// published and assumed as that of ACTIVATE; a multiplication and what follows it are one fused
/// operation, as there.
public struct Activate2: MachineInstruction {
  // Small operands lie between the large ones, where they take no room of their own.
  /// The results.
  public var destination = AccessPattern()
  /// What it is applied to.
  public var source = AccessPattern()
  /// The scalar of the first operation.
  public var operand0 = ScalarOperand.immediate(0)
  /// Which function.
  public var function = ActivationFunction.copy
  /// mul, add, sub or bypass.
  public var op0 = ALUOperation.bypass
  /// Puts the first scalar on the left.
  public var reverse0 = false
  /// The slope of `prelu` for negative values.
  public var slope: Float = 0
  /// The scalar of the second operation.
  public var operand1 = ScalarOperand.immediate(0)
  /// add, sub or bypass after mul, else bypass.
  public var op1 = ALUOperation.bypass
  /// Puts the second scalar on the left.
  public var reverse1 = false
  /// add, max, min, absmax or absmin.
  public var reduction = ALUOperation.add
  /// What happens to the registers.
  public var command = AccumulatorCommand.idle

  public var opcode: Opcode { .activate2 }
  public init() {}

  /// dst = function((source op0 operand0) op1 operand1).
  public init(
    _ destination: AccessPattern, _ function: ActivationFunction, _ source: AccessPattern,
    _ op0: ALUOperation = .bypass, _ operand0: ScalarOperand = .immediate(0),
    reverse0: Bool = false, _ op1: ALUOperation = .bypass,
    _ operand1: ScalarOperand = .immediate(0), reverse1: Bool = false, slope: Float = 0,
    reduction: ALUOperation = .add, command: AccumulatorCommand = .idle
  ) {
    self.destination = destination
    self.function = function
    self.source = source
    self.op0 = op0
    self.operand0 = operand0
    self.reverse0 = reverse0
    self.op1 = op1
    self.operand1 = operand1
    self.reverse1 = reverse1
    self.slope = slope
    self.reduction = reduction
    self.command = command
  }

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.choice("func", &function)
    try visitor.read("src", &source)
    try visitor.choice("op0", &op0)
    try visitor.scalar("s0", &operand0)
    try visitor.flag("reverse0", &reverse0)
    try visitor.choice("op1", &op1)
    try visitor.scalar("s1", &operand1)
    try visitor.flag("reverse1", &reverse1)
    try visitor.immediate("slope", &slope)
    try visitor.choice("reduce", &reduction)
    try visitor.choice("acc", &command)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("s0", operand0, like: destination)
    try rules.require("s1", operand1, like: destination)
    let isLegal =
      op0 == .multiply
      ? [.add, .subtract, .bypass].contains(op1)
      : [.add, .subtract, .bypass].contains(op0) && op1 == .bypass
    guard isLegal else {
      throw rules.fault(
        "op1",
        .value(
          found: "\(op0.text) with \(op1.text)",
          allowed: "mul with add, sub or bypass; add, sub or bypass with bypass"))
    }
    guard [.add, .max, .min, .absMax, .absMin].contains(reduction) else {
      throw rules.fault(
        "reduce", .value(found: reduction.text, allowed: "add, max, min, absmax, absmin"))
    }
    try rules.require("acc", command, among: [.idle, .reset, .reduce, .resetReduce])
  }

  /// The operations as one factor and one addend.
  private func factors(_ s0: Float, _ s1: Float) -> (scale: Float, bias: Float) {
    switch (op0, op1) {
    case (.multiply, .add): (s0, s1)
    case (.multiply, .subtract): reverse1 ? (-s0, s1) : (s0, -s1)
    case (.multiply, _): (s0, 0)
    case (.add, _): (1, s0)
    case (.subtract, _): reverse0 ? (-1, s0) : (1, -s0)
    default: (1, 0)
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard let reduction = reduction.reduction else { return }
    let count = source.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      let (scale, bias) = factors(
        operand0.value(core, partition: partition, engine: engine),
        operand1.value(core, partition: partition, engine: engine))
      _ = core.rows.activate(
        function.kernel, .a, scale: scale, bias: bias, parameter: slope, sums: false, into: .b,
        count: count)
      core.store(.b, to: destination, partition: partition, engine: engine)
      guard command != .idle else { continue }
      let lane = Int(destination.startPartition) + partition
      let results = command.reduces ? core.rows.reduction(reduction, .b, count: count) : 0
      core.scalarAccumulators[lane] = command.applied(
        to: core.scalarAccumulators[lane], reduction, of: results)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .activate(
      device,
      StreamShape(
        source, to: destination, rate: Cost.scalarRate(device, [source, destination]),
        pointers: operand0.pointerCount + operand1.pointerCount),
      isNarrow: source.format.sizeBytes == 2 && destination.format.sizeBytes == 2,
      writesPSUM: destination.space == .psum)
  }
}
