public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_TENSOR: dst = a op b, element by element, computed in fp32.
///
/// Source: NKI instruction reference (tensor_tensor); third-party micro-benchmarks of Trainium2
/// (one fp32 element per lane and cycle, two when all operands are 16-bit in SBUF). The
/// documented 2N cycles for two fp32 inputs in SBUF disagree; the measurement wins.
public struct TensorTensor: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// The left operand.
  public var a = AccessPattern()
  /// The right operand.
  public var b = AccessPattern()
  /// What is computed.
  public var operation = ALUOperation.add

  public var opcode: Opcode { .tensorTensor }
  public init() {}

  /// dst = a op b.
  public init(
    _ destination: AccessPattern, _ a: AccessPattern, _ b: AccessPattern, _ operation: ALUOperation
  ) {
    self.destination = destination
    self.a = a
    self.b = b
    self.operation = operation
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("a", &a)
    try visitor.read("b", &b)
    try visitor.choice("op", &operation)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("a", a, like: destination)
    try rules.require("b", b, like: destination)
    try rules.requireNotBothPSUM("b", a, b)
    try rules.requireFormats("op", operation, [destination, a, b])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(a, partition: partition, into: .a, engine: engine)
      core.load(b, partition: partition, into: .b, engine: engine)
      core.rows.binary(operation.kernel, .a, .b, into: .c, count: a.columns)
      core.store(.c, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let is16Bit = [destination, a, b].allSatisfy { $0.format.sizeBytes == 2 && $0.space == .sbuf }
    let law = device.vector
    return Cost.stream(
      device, engine, inputs: [a, b], output: destination,
      cyclesPerElement: is16Bit ? law.tensorTensor16 : law.tensorTensor32)
  }
}
