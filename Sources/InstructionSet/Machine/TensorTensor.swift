public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_TENSOR: dst = a op b, element by element, computed in fp32.
///
/// Operations on raw bits take integers. On GpSimd, arithmetic on 32-bit integers is native.
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

  public static let indirectOperands = ["dst", "a"]

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
    if operation == .power, rules.engine != .gpsimd {
      throw rules.fault("op", .engine(allowed: ["gpsimd"]))
    }
  }

  /// True for arithmetic that GpSimd does on 32-bit integers without fp32 between.
  private var isNativeInteger: Bool {
    let formats: [NumberFormat] = [.int32, .uint32]
    return [destination, a, b].allSatisfy { formats.contains($0.format) }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let onBits = operation.isBitwise || (engine == .gpsimd && isNativeInteger)
    for partition in 0..<Int(destination.partitionCount) {
      if onBits, executeOnBits(on: &core, engine: engine, partition: partition) { continue }
      core.load(a, partition: partition, into: .a, engine: engine)
      core.load(b, partition: partition, into: .b, engine: engine)
      core.rows.binary(operation.kernel, .a, .b, into: .c, count: a.columns)
      core.store(.c, to: destination, partition: partition, engine: engine)
    }
  }

  /// False when integers have no such operation of their own.
  private func executeOnBits(on core: inout CoreState, engine: Engine, partition: Int) -> Bool {
    core.loadBits(a, partition: partition, into: .a, engine: engine)
    core.loadBits(b, partition: partition, into: .b, engine: engine)
    if let bitwise = operation.bitKernel {
      core.rows.bitwise(bitwise, .a, .b, into: .c, count: a.columns)
    } else {
      let isSigned = a.format == .int32
      guard
        core.rows.integer(
          operation.kernel, .a, .b, isSigned: isSigned, into: .c, count: a.columns)
      else { return false }
    }
    core.storeBits(.c, to: destination, partition: partition, engine: engine)
    return true
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    if engine == .gpsimd {
      let law = device.gpsimd
      let rate =
        operation == .power
        ? law.powerCyclesPerElement
        : isNativeInteger ? law.integerCyclesPerElement : law.cyclesPerElement
      return .gpsimd(device, StreamShape(a, b, to: destination, rate: rate.value))
    }
    let law = device.vector
    let shape = StreamShape(
      a, b, to: destination, rate: law.rates.tensorRate(a, b, destination))
    let startup = shape.readsPSUM ? law.startupTensorTensorPSUM : law.startupTensorTensorSBUF
    return .vector(device, shape, startup: startup.value)
  }
}
