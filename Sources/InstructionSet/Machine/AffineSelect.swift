public import CoreState
public import Hardware
import NumericFormats
import Units

/// TENSOR_SCALAR_AFFINE_SELECT: keeps the elements for which start + channelMultiplier·p + sum of
/// step·index compares true with zero; the others become a constant.
///
/// Source: NKI instruction reference (affine_select), third-party micro-benchmarks (176.9 ns and
/// 0.846 ns per element; documented 150 cycles and one per element).
public struct AffineSelect: MachineInstruction {
  /// The result.
  public var destination = AccessPattern()
  /// What is kept where the comparison holds.
  public var source = AccessPattern()
  /// eq, ne, ge, gt, le or lt.
  public var comparison = ALUOperation.greaterEqual
  /// The affine value of the first element of the first partition.
  public var start: Int32 = 0
  /// What each partition adds.
  public var channelMultiplier: Int32 = 0
  /// What one index of each free dimension adds.
  public var steps = SIMD4<Int32>(repeating: 0)
  /// What the other elements become.
  public var onFalse: Float = 0

  public var opcode: Opcode { .affineSelect }
  public init() {}

  /// Keeps `source` where the affine value compares true with zero.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, comparison: ALUOperation,
    start: Int32, channelMultiplier: Int32, steps: SIMD4<Int32>, onFalse: Float
  ) {
    self.destination = destination
    self.source = source
    self.comparison = comparison
    self.start = start
    self.channelMultiplier = channelMultiplier
    self.steps = steps
    self.onFalse = onFalse
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.choice("op", &comparison)
    try visitor.integer("start", &start)
    try visitor.integer("channel", &channelMultiplier)
    try visitor.steps("steps", &steps)
    try visitor.immediate("false", &onFalse)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .sbuf)
    try rules.require("src", source, in: .sbuf)
    try rules.require("src", source, like: destination)
    guard comparison.affineComparison != nil else {
      throw rules.fault("op", .value(found: comparison.text, allowed: "eq, ne, ge, gt, le, lt"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard let comparison = comparison.affineComparison else { return }
    let pattern = destination.affine(steps)
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.affineSelect(
        pattern, base: start &+ channelMultiplier &* Int32(partition), comparison, .a,
        otherwise: onFalse, into: .b)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.gpsimd
    return .gpsimd(
      device,
      StreamShape(source, to: destination, rate: law.affineSelectCyclesPerElement.value),
      startup: law.affineSelectStartup.value)
  }
}
