public import CoreState
public import Hardware
import NumericFormats
import Units

/// STREAM_TRANSPOSE: transposes each block of 32 × 32 elements within its quadrant of 32
/// partitions; bits are unchanged.
///
/// Source: NKI instruction reference (nc_transpose on the vector engine), third-party
/// micro-benchmarks (93 ns from block to block, 233 ns to the result).
public struct StreamTranspose: MachineInstruction {
  /// The transposed blocks.
  public var destination = AccessPattern()
  /// Whole blocks.
  public var source = AccessPattern()

  public var opcode: Opcode { .streamTranspose }
  public init() {}

  /// dst = src with every 32 × 32 block transposed.
  public init(_ destination: AccessPattern, _ source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  /// Partitions and elements of a block.
  static let side = 32

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("src", source, formats: [destination.format])
    for count in [Int(source.partitionCount), source.columns] where count % Self.side != 0 {
      throw rules.fault(
        "src", .value(found: "\(count)", allowed: "partitions and elements in multiples of 32"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.transposeBlocks(from: source, to: destination, side: Self.side, engine: engine)
  }

  /// True when the quadrants that are read and written differ from those of another block.
  func changesQuadrants(from other: StreamTranspose) -> Bool {
    source.startPartition != other.source.startPartition
      || destination.startPartition != other.destination.startPartition
  }

  /// What the interval to the next block becomes when that block's quadrants are others.
  func cost(_ cost: Cost, on device: Device) -> Cost {
    let law = device.vector
    let more = law.streamTransposeQuadrantChange.value - law.streamTransposeIssue.value
    var cost = cost
    cost.intervalAfterCold += more
    cost.intervalAfterWarm += more
    return cost
  }

  /// The measured block, and a stream of the elements beyond it.
  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    let clock = device.clocks.vector.value
    let shape = StreamShape(source, to: destination, rate: law.rates.streamTranspose.value)
    var cost = Cost.vector(device, shape, startup: 0)
    let block = StreamShape(
      source, to: destination, rate: law.rates.streamTranspose.value, elements: Self.side)
    let more = max(
      0, cost.streamTenths - block.tenths(device, strideFactor: law.rates.strideFactor.value))
    let rest = clock.picoseconds(tenthsOfCycles: more)
    cost.coldDuration = law.streamTransposeReady.value + rest
    cost.warmDuration = cost.coldDuration
    cost.intervalAfterWarm = law.streamTransposeIssue.value + rest
    cost.intervalAfterCold = cost.intervalAfterWarm
    return cost
  }
}
