public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_TENSOR_SCAN: dst[i] = (a[i] op0 dst[i-1]) op1 b[i], from `initial` on; a reversed
/// operation swaps its sides.
///
/// Source: NKI instruction reference (tensor_tensor_scan, 2 cycles per element), third-party
/// micro-benchmarks (start-up, 60 ns more for a seed in memory).
public struct TensorTensorScan: MachineInstruction {
  /// The running results.
  public var destination = AccessPattern()
  /// What meets the result before.
  public var a = AccessPattern()
  /// What is applied last.
  public var b = AccessPattern()
  /// The result before the first: a constant or one value per partition.
  public var initial = ScalarOperand.immediate(0)
  /// Between `a` and the result before.
  public var op0 = ALUOperation.multiply
  /// Between that and `b`.
  public var op1 = ALUOperation.add
  /// Swaps the sides of the first operation.
  public var reverse0 = false
  /// Swaps the sides of the second operation.
  public var reverse1 = false

  public var opcode: Opcode { .tensorTensorScan }
  public init() {}

  /// dst[i] = (a[i] op0 dst[i-1]) op1 b[i].
  public init(
    _ destination: AccessPattern, _ a: AccessPattern, _ b: AccessPattern, initial: ScalarOperand,
    _ op0: ALUOperation, _ op1: ALUOperation, reverse0: Bool = false, reverse1: Bool = false
  ) {
    self.destination = destination
    self.a = a
    self.b = b
    self.initial = initial
    self.op0 = op0
    self.op1 = op1
    self.reverse0 = reverse0
    self.reverse1 = reverse1
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("a", &a)
    try visitor.read("b", &b)
    try visitor.scalar("initial", &initial)
    try visitor.choice("op0", &op0)
    try visitor.choice("op1", &op1)
    try visitor.flag("reverse0", &reverse0)
    try visitor.flag("reverse1", &reverse1)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("a", a, like: destination)
    try rules.require("b", b, like: destination)
    try rules.require("initial", initial, like: destination)
    try rules.requireNotBothPSUM("b", a, b)
    for (name, operation) in [("op0", op0), ("op1", op1)] where !operation.isBinaryArithmetic {
      throw rules.fault(name, .value(found: operation.text, allowed: "arithmetic operations"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(a, partition: partition, into: .a, engine: engine)
      core.load(b, partition: partition, into: .b, engine: engine)
      core.rows.scan(
        op0.kernel, op1.kernel, .a, .b,
        initial: initial.value(core, partition: partition, engine: engine), reverse0: reverse0,
        reverse1: reverse1, into: .c, count: a.columns)
      core.store(.c, to: destination, partition: partition, engine: engine)
    }
  }

  /// The seed costs its own measured time, not that of a pointer operand.
  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    return .vector(
      device, StreamShape(a, b, to: destination, rate: law.scanCyclesPerElement.value * 10),
      startup: law.startupScan.value,
      extra: initial.isPointer ? law.scanTensorSeedExtra.value : .zero)
  }
}
