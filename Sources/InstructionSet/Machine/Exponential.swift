public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// EXPONENTIAL: dst = e^(src - maximum) on the vector engine; the sum of each partition's results
/// may go to its reduce register.
///
/// Source: NKI instruction reference (exponential: NeuronCore-v4 and newer), architecture guide
/// (four times the scalar engine's rate); its start-up is not published and assumed as that of
/// other instructions.
public struct Exponential: MachineInstruction {
  /// The results.
  public var destination = AccessPattern()
  /// The exponents.
  public var source = AccessPattern()
  /// What is subtracted first.
  public var maximum = ScalarOperand.immediate(0)
  /// What happens to the registers; the reduction is a sum.
  public var command = AccumulatorCommand.idle
  /// What `load_reduce` begins with.
  public var initial = ScalarOperand.immediate(0)

  public var opcode: Opcode { .exponential }
  public init() {}

  /// dst = e^(source - maximum).
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, maximum: ScalarOperand = .immediate(0),
    command: AccumulatorCommand = .idle, initial: ScalarOperand = .immediate(0)
  ) {
    self.destination = destination
    self.source = source
    self.maximum = maximum
    self.command = command
    self.initial = initial
  }

  /// The formats of source and result.
  static let formats: [NumberFormat] = [
    .float8e4m3, .float8e5m2, .float16, .bfloat16, .float32, .tensorFloat32, .int8, .int16, .int32,
    .uint8, .uint16,
  ]

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.scalar("max", &maximum)
    try visitor.choice("acc", &command)
    try visitor.scalar("initial", &initial)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("src", source, formats: Self.formats)
    try rules.require("dst", destination, formats: Self.formats)
    try rules.require("max", maximum, like: destination)
    try rules.require("initial", initial, like: destination)
    if command != .loadReduce, initial != .immediate(0) {
      throw rules.fault(
        "initial", .value(found: "given with \(command.text)", allowed: "with load_reduce only"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      _ = core.rows.activate(
        .exp, .a, scale: 1, bias: -maximum.value(core, partition: partition, engine: engine),
        sums: false, into: .b, count: count)
      let initial = initial.value(core, partition: partition, engine: engine)
      core.accumulate(
        .b, count: count, .add, command, initial: initial,
        lane: Int(destination.startPartition) + partition)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .vector(
      device,
      StreamShape(
        source, to: destination, rate: device.vector.rates.exponential.value,
        pointers: maximum.pointerCount + initial.pointerCount))
  }
}
