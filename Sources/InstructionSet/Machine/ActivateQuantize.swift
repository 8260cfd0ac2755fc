public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// ACTIVATE_QUANTIZE: dst = function(src · scale + bias) · factor, cast to a format
/// of one byte.
///
/// Device traces name it without its operands: assumed an ACTIVATE whose results are scaled before
/// the cast. Source: device traces; cost as ACTIVATE, assumed.
public struct ActivateQuantize: MachineInstruction {
  /// The result, in a format of one byte.
  public var destination = AccessPattern()
  /// The function.
  public var function = ActivationFunction.identity
  /// What it is applied to.
  public var source = AccessPattern()
  /// Multiplies the input.
  public var scale: Float = 1
  /// Is added to the input.
  public var bias = ScalarOperand.immediate(0)
  /// Multiplies the function's value.
  public var factor: Float = 1

  public var opcode: Opcode { .activateQuantize }
  public init() {}

  /// dst = function(src · scale + bias) · factor.
  public init(
    _ destination: AccessPattern, _ function: ActivationFunction, _ source: AccessPattern,
    scale: Float = 1, bias: ScalarOperand = .immediate(0), factor: Float
  ) {
    self.destination = destination
    self.function = function
    self.source = source
    self.scale = scale
    self.bias = bias
    self.factor = factor
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.choice("func", &function)
    try visitor.read("src", &source)
    try visitor.immediate("scale", &scale)
    try visitor.scalar("bias", &bias)
    try visitor.immediate("factor", &factor)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("bias", bias, like: destination)
    guard destination.format.sizeBytes == 1 else {
      throw rules.fault(
        "dst", .format(found: destination.format.name, allowed: "formats of one byte"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      _ = core.rows.activate(
        function.kernel, .a, scale: scale,
        bias: bias.value(core, partition: partition, engine: engine), sums: false, into: .b,
        count: count)
      core.rows.tensorScalar(
        .b, .multiply, factor, reverse0: false, .bypass, 0, reverse1: false, into: .b,
        count: count)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    Activate(destination, function, source, scale: .immediate(scale), bias: bias)
      .cost(on: device, engine: engine)
  }
}
