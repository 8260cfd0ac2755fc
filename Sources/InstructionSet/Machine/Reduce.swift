public import CoreState
public import Hardware
import NumericFormats
import Units

/// REDUCE: each partition's elements become one value.
///
/// Device traces name it beside TENSOR_REDUCE without saying how they differ: assumed the form with
/// a single result. Source: device traces; cost as TENSOR_REDUCE, assumed.
public struct Reduce: MachineInstruction {
  /// One result per partition.
  public var destination = AccessPattern()
  /// What is reduced.
  public var source = AccessPattern()
  /// add, mul, max, min or absmax.
  public var operation = ALUOperation.add

  public var opcode: Opcode { .reduce }
  public init() {}

  /// dst [P, 1] = the reduction of `source` [P, N].
  public init(_ destination: AccessPattern, _ source: AccessPattern, _ operation: ALUOperation) {
    self.destination = destination
    self.source = source
    self.operation = operation
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op", &operation)
  }

  private var whole: TensorReduce { TensorReduce(destination, source, operation) }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: 1)
    try whole.validate(rules)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    whole.execute(on: &core, engine: engine)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    whole.cost(on: device, engine: engine)
  }
}
