public import CoreState
public import Hardware
import NumericFormats
import Units

/// SCALAR_TENSOR_TENSOR: dst = (src op0 operand0) op1 other; a reversed operation swaps its sides.
///
/// Source: NKI instruction reference (scalar_tensor_tensor, about as fast as tensor_tensor).
public struct ScalarTensorTensor: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// The row that meets the scalar.
  public var source = AccessPattern()
  /// The first operation.
  public var op0 = ALUOperation.multiply
  /// One value per partition, or a constant.
  public var operand0 = ScalarOperand.immediate(1)
  /// The second operation.
  public var op1 = ALUOperation.add
  /// The row that meets the first result.
  public var other = AccessPattern()
  /// Swaps the sides of the first operation.
  public var reverse0 = false
  /// Swaps the sides of the second operation.
  public var reverse1 = false

  public var opcode: Opcode { .scalarTensorTensor }
  public init() {}

  /// dst = (src op0 operand0) op1 other.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ op0: ALUOperation,
    _ operand0: ScalarOperand, _ op1: ALUOperation, _ other: AccessPattern,
    reverse0: Bool = false, reverse1: Bool = false
  ) {
    self.destination = destination
    self.source = source
    self.op0 = op0
    self.operand0 = operand0
    self.op1 = op1
    self.other = other
    self.reverse0 = reverse0
    self.reverse1 = reverse1
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op0", &op0)
    try visitor.scalar("s0", &operand0)
    try visitor.flag("reverse0", &reverse0)
    try visitor.choice("op1", &op1)
    try visitor.read("b", &other)
    try visitor.flag("reverse1", &reverse1)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("b", other, like: destination)
    try rules.require("s0", operand0, like: destination)
    try rules.requireNotBothPSUM("b", source, other)
    for (name, operation) in [("op0", op0), ("op1", op1)] where !operation.isBinaryArithmetic {
      throw rules.fault(name, .value(found: operation.text, allowed: "arithmetic operations"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.load(other, partition: partition, into: .b, engine: engine)
      core.rows.scalarTensorTensor(
        .a, op0.kernel, operand0.value(core, partition: partition, engine: engine),
        reverse0: reverse0, op1.kernel, .b, reverse1: reverse1, into: .c, count: source.columns)
      core.store(.c, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    let shape = StreamShape(
      source, other, to: destination, rate: law.rates.scalarTensor.value,
      pointers: operand0.pointerCount)
    let startup = shape.readsPSUM ? law.startupTensorTensorPSUM : law.startupTensorTensorSBUF
    return .vector(device, shape, startup: shape.pointers == 0 ? startup.value : nil)
  }
}
