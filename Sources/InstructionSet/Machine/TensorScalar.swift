public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// TENSOR_SCALAR: dst = (src op0 operand0) op1 operand1, with one value per partition or a
/// constant; a reversed operation has its scalar on the left, and one of a single operand does not
/// look at it.
///
/// Source: NKI instruction reference (tensor_scalar), profiler captures (pointer operands),
/// third-party micro-benchmarks (two fp32 elements per cycle). On the scalar engine, which takes it
/// from NeuronCore-v3 on, its cost is not published and assumed as that of a copy.
public struct TensorScalar: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// The row operand.
  public var source = AccessPattern()
  /// The first operation.
  public var op0 = ALUOperation.add
  /// Its scalar.
  public var operand0 = ScalarOperand.immediate(0)
  /// Swaps the sides of the first operation.
  public var reverse0 = false
  /// The second operation; `bypass` leaves the first result alone.
  public var op1 = ALUOperation.bypass
  /// Its scalar.
  public var operand1 = ScalarOperand.immediate(0)
  /// Swaps the sides of the second operation.
  public var reverse1 = false

  public var opcode: Opcode { .tensorScalar }
  public init() {}

  /// dst = (src op0 operand0) op1 operand1.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ op0: ALUOperation,
    _ operand0: ScalarOperand, reverse0: Bool = false, _ op1: ALUOperation = .bypass,
    _ operand1: ScalarOperand = .immediate(0), reverse1: Bool = false
  ) {
    self.destination = destination
    self.source = source
    self.op0 = op0
    self.operand0 = operand0
    self.reverse0 = reverse0
    self.op1 = op1
    self.operand1 = operand1
    self.reverse1 = reverse1
  }

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op0", &op0)
    try visitor.scalar("s0", &operand0)
    try visitor.flag("reverse0", &reverse0)
    try visitor.choice("op1", &op1)
    try visitor.scalar("s1", &operand1)
    try visitor.flag("reverse1", &reverse1)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("s0", operand0, like: destination)
    try rules.require("s1", operand1, like: destination)
    try rules.requireFormats("op0", op0, [destination, source], allowsUnary: true)
    if op1.isUnary {
      try rules.requireFormats("op1", op1, [destination, source], allowsUnary: true)
      if [.abs, .square, .relu].contains(op1) {
        throw rules.fault("op1", .value(found: op1.text, allowed: "\(op1.text) as op0 only"))
      }
    }
    if rules.engine == .scalar { try checkScalarEngine(rules) }
    guard op0.isBitwise || op1.isBitwise else { return }
    guard op0.isBitwise || op0 == .bypass, op1.isBitwise || op1 == .bypass else {
      throw rules.fault(
        "op1",
        .value(
          found: "\(op0.text) with \(op1.text)", allowed: "both on raw bits or both arithmetic"))
    }
    try rules.requireFormats("op1", op1, [destination, source], allowsUnary: true)
    for (name, operand) in [("s0", operand0), ("s1", operand1)] {
      guard case .immediate(let value) = operand, Int32(exactly: value) != nil else {
        throw rules.fault(
          name, .value(found: "not a whole number", allowed: "a 32-bit whole number for raw bits"))
      }
    }
  }

  /// The scalar engine works on numbers; before NeuronCore-v4 it only scales and adds.
  private func checkScalarEngine(_ rules: OperandRules) throws(Fault) {
    for (name, operation) in [("op0", op0), ("op1", op1)]
    where operation.isBitwise || operation == .power {
      throw rules.fault(name, .engine(allowed: [operation == .power ? "gpsimd" : "vector"]))
    }
    let isScaling =
      op0 == .multiply && (op1 == .add || op1 == .bypass) || op0 == .add && op1 == .bypass
    if !isScaling { try rules.require("op0", generation: 4) }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    if op0 == .add, clipsAtZero || op1 == .bypass,
      core.storesBiasedRows(from: source, to: destination)
    {
      for partition in 0..<Int(destination.partitionCount) {
        core.storeBiased(
          source, scale: 1, bias: operand0.value(core, partition: partition, engine: engine),
          clips: clipsAtZero, to: destination, partition: partition, engine: engine)
      }
      return
    }
    for partition in 0..<Int(destination.partitionCount) {
      if op0.isBitwise || op1.isBitwise {
        core.loadBits(source, partition: partition, into: .a, engine: engine)
        Self.apply(op0, operand0, reverse0, &core, count)
        Self.apply(op1, operand1, reverse1, &core, count)
        core.storeBits(.a, to: destination, partition: partition, engine: engine)
        continue
      }
      core.load(source, partition: partition, into: .a, engine: engine)
      if op0.isUnary || op1.isUnary {
        applyInTurn(&core, partition, engine)
        core.store(.a, to: destination, partition: partition, engine: engine)
        continue
      }
      core.rows.tensorScalar(
        .a, op0.kernel, operand0.value(core, partition: partition, engine: engine),
        reverse0: reverse0, op1.kernel,
        operand1.value(core, partition: partition, engine: engine), reverse1: reverse1, into: .b,
        count: count)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  /// The second operation is the maximum with +0.
  private var clipsAtZero: Bool {
    guard op1 == .max, !reverse1, case .immediate(let limit) = operand1 else { return false }
    return limit.bitPattern == 0
  }

  /// One operation after the other on row a, for those without a second operand.
  private func applyInTurn(_ core: inout CoreState, _ partition: Int, _ engine: Engine) {
    for (operation, operand, isReversed) in [
      (op0, operand0, reverse0), (op1, operand1, reverse1),
    ] {
      if let unary = operation.unaryKernel {
        core.rows.unary(unary, .a, into: .a, count: source.columns)
      } else {
        core.rows.tensorScalar(
          .a, operation.kernel, operand.value(core, partition: partition, engine: engine),
          reverse0: isReversed, .bypass, 0, reverse1: false, into: .a, count: source.columns)
      }
    }
  }

  private static func apply(
    _ operation: ALUOperation, _ operand: ScalarOperand, _ isReversed: Bool,
    _ core: inout CoreState, _ count: Int
  ) {
    guard let kernel = operation.bitKernel, case .immediate(let value) = operand else { return }
    let bits = UInt32(bitPattern: Int32(exactly: value) ?? 0)
    core.rows.bitwiseWithScalar(
      kernel, .a, bits, isReversed: isReversed, into: .a, count: count)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let pointers = operand0.pointerCount + operand1.pointerCount
    if engine == .gpsimd {
      let law = device.gpsimd
      let operations = [op0, op1]
      let rate =
        operations.contains(.power)
        ? law.powerCyclesPerElement
        : operations.contains(.rsqrt) ? law.rsqrtCyclesPerElement : law.cyclesPerElement
      return .gpsimd(
        device, StreamShape(source, to: destination, rate: rate.value, pointers: pointers))
    }
    if engine == .scalar {
      return .scalarCopy(
        device,
        StreamShape(
          source, to: destination, rate: Cost.scalarRate(device, [source, destination]),
          pointers: pointers), isInt32: false)
    }
    let law = device.vector
    let shape = StreamShape(
      source, to: destination, rate: law.rates.scalarRate(source, destination),
      pointers: pointers)
    // The pointer laws were measured beside the general start-up.
    let isOwn = shape.pointers == 0 && !shape.readsPSUM
    return .vector(device, shape, startup: isOwn ? law.startupTensorScalarSBUF.value : nil)
  }
}
