public import CoreState
public import Hardware
import NumericFormats
import Units
import VectorKernels

/// ACTIVATE: dst = function(src·scale + bias), in fp32; the results before the cast may be summed
/// into the scalar engine's reduce registers.
///
/// Source: NKI instruction reference (activation, activation_reduce), profiler captures
/// (exponential with a bias pointer), third-party micro-benchmarks (broadcast reads, SILU).
public struct Activate: MachineInstruction {
  /// The results.
  public var destination = AccessPattern()
  /// Which function.
  public var function = ActivationFunction.copy
  /// What it is applied to.
  public var source = AccessPattern()
  /// A factor, one per partition or a constant.
  public var scale = ScalarOperand.immediate(1)
  /// An addend, one per partition or a constant.
  public var bias = ScalarOperand.immediate(0)
  /// The slope of `prelu` for negative values.
  public var slope: Float = 0
  /// What happens to the sum of the results.
  public var accumulate = AccumulatorCommand.idle

  public var opcode: Opcode { .activate }
  public init() {}

  /// dst = function(src·scale + bias).
  public init(
    _ destination: AccessPattern, _ function: ActivationFunction, _ source: AccessPattern,
    scale: ScalarOperand = .immediate(1), bias: ScalarOperand = .immediate(0),
    slope: Float = 0, accumulate: AccumulatorCommand = .idle
  ) {
    self.destination = destination
    self.function = function
    self.source = source
    self.scale = scale
    self.bias = bias
    self.slope = slope
    self.accumulate = accumulate
  }

  public static let indirectOperands = ["dst", "src"]

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.choice("func", &function)
    try visitor.read("src", &source)
    try visitor.scalar("scale", &scale)
    try visitor.scalar("bias", &bias)
    try visitor.choice("acc", &accumulate)
    try visitor.immediate("slope", &slope)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("scale", scale, like: destination)
    try rules.require("bias", bias, like: destination)
    if case .pointer(let access) = scale { try rules.require("scale", access, formats: [.float32]) }
    if case .pointer(let access) = bias, access.format == .tensorFloat32 {
      throw rules.fault(
        "bias", .format(found: access.format.name, allowed: "fp32, bf16, fp16, fp8"))
    }
    try rules.require("acc", accumulate, among: [.idle, .reset, .reduce, .resetReduce])
    try checkBias(rules)
  }

  /// NeuronCore-v2 reads its bias from memory and has none for the reciprocal; without a bias
  /// nothing is added.
  private func checkBias(_ rules: OperandRules) throws(Fault) {
    guard bias != .immediate(0) else { return }
    if !bias.isPointer || function == .reciprocal { try rules.require("bias", generation: 3) }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let clips = function.kernel == .relu
    if clips || function.kernel == .identity, accumulate == .idle,
      core.storesBiasedRows(from: source, to: destination)
    {
      for partition in 0..<Int(destination.partitionCount) {
        core.storeBiased(
          source, scale: scale.value(core, partition: partition, engine: engine),
          bias: bias.value(core, partition: partition, engine: engine), clips: clips,
          to: destination, partition: partition, engine: engine)
      }
      return
    }
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      let sum = core.rows.activate(
        function.kernel, .a, scale: scale.value(core, partition: partition, engine: engine),
        bias: bias.value(core, partition: partition, engine: engine), parameter: slope,
        sums: accumulate.reduces, into: .b, count: source.columns)
      core.store(.b, to: destination, partition: partition, engine: engine)
      let lane = Int(destination.startPartition) + partition
      core.scalarAccumulators[lane] = accumulate.applied(
        to: core.scalarAccumulators[lane], .add, of: sum)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let isSlow =
      (function == .silu || function == .siluDerivative) && source.space == .psum
    let rate =
      isSlow ? device.scalar.siluPSUM.value : Cost.scalarRate(device, [source, destination])
    return .activate(
      device,
      StreamShape(
        source, to: destination, rate: rate, pointers: scale.pointerCount + bias.pointerCount),
      isNarrow: source.format.sizeBytes == 2 && destination.format.sizeBytes == 2,
      writesPSUM: destination.space == .psum)
  }
}
