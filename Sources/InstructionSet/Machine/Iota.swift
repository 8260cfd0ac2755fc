public import CoreState
public import Hardware
import NumericFormats
import Units

/// IOTA: dst[p, i] = start + channelMultiplier·p + sum over dimensions of step·index, as 32-bit
/// integers that wrap around, cast to the format of `dst`.
///
/// Source: NKI instruction reference (iota: 150 cycles and one per element).
public struct Iota: MachineInstruction {
  /// The indices; its free dimensions are those of `steps`.
  public var destination = AccessPattern()
  /// The value of the first element of the first partition.
  public var start: Int32 = 0
  /// What each partition adds.
  public var channelMultiplier: Int32 = 0
  /// What one index of each free dimension adds.
  public var steps = SIMD4<Int32>(repeating: 0)

  public var opcode: Opcode { .iota }
  public init() {}

  /// Fills `destination` with the affine pattern; `steps` follow the pattern's own dimensions.
  public init(
    _ destination: AccessPattern, start: Int32 = 0, channelMultiplier: Int32 = 0,
    steps: SIMD4<Int32>
  ) {
    self.destination = destination
    self.start = start
    self.channelMultiplier = channelMultiplier
    self.steps = steps
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.integer("start", &start)
    try visitor.integer("channel", &channelMultiplier)
    try visitor.steps("steps", &steps)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .sbuf)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let pattern = destination.affine(steps)
    let isWhole = destination.format == .int32 || destination.format == .uint32
    for partition in 0..<Int(destination.partitionCount) {
      let base = start &+ channelMultiplier &* Int32(partition)
      core.rows.iota(pattern, base: base, into: .a)
      if isWhole {
        core.storeBits(.a, to: destination, partition: partition, engine: engine)
      } else {
        core.rows.widenIntegers(.a, into: .a, count: destination.columns)
        core.store(.a, to: destination, partition: partition, engine: engine)
      }
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .gpsimd(
      device, StreamShape(to: destination, rate: device.gpsimd.iotaCyclesPerElement.value))
  }
}
