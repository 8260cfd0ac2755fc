public import CoreState
public import Hardware
import NumericFormats
import Units

/// SCALAR: dst = src op constant.
///
/// Device traces name it beside TENSOR_SCALAR without saying how they differ: assumed the form with
/// one operation and a constant. Source: device traces; cost as TENSOR_SCALAR, assumed.
public struct ScalarRow: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// The row operand.
  public var source = AccessPattern()
  /// What is computed.
  public var operation = ALUOperation.add
  /// The constant on its right.
  public var value: Float = 0

  public var opcode: Opcode { .scalarRow }
  public init() {}

  /// dst = src operation value.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, _ operation: ALUOperation,
    _ value: Float
  ) {
    self.destination = destination
    self.source = source
    self.operation = operation
    self.value = value
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op", &operation)
    try visitor.immediate("value", &value)
  }

  private var whole: TensorScalar {
    TensorScalar(destination, source, operation, .immediate(value))
  }

  public func validate(_ rules: OperandRules) throws(Fault) { try whole.validate(rules) }

  public func execute(on core: inout CoreState, engine: Engine) {
    whole.execute(on: &core, engine: engine)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    whole.cost(on: device, engine: engine)
  }
}
