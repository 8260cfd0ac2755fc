public import CoreState
public import Hardware
import NumericFormats
import Units

/// Which partition of its quadrant each partition of a quadrant is copied from: 32 numbers, 255 for
/// a partition that stays as it is.
public struct ShuffleMask: Hashable, Sendable, BitwiseCopyable {
  private var low = SIMD16<UInt8>(repeating: 0)
  private var high = SIMD16<UInt8>(repeating: 0)

  /// Numbers of a mask.
  public static let count = 32
  /// The number of a partition that stays as it is.
  public static let keep: UInt8 = 255

  /// Every partition stays where it is.
  public init() {
    for index in 0..<Self.count { self[index] = UInt8(index) }
  }

  /// A mask of up to 32 numbers; partitions without one stay as they are.
  public init(_ numbers: [UInt8]) {
    for index in 0..<Self.count {
      self[index] = index < numbers.count ? numbers[index] : Self.keep
    }
  }

  /// The source of one partition.
  public subscript(index: Int) -> UInt8 {
    get { index < 16 ? low[index] : high[index - 16] }
    set { if index < 16 { low[index] = newValue } else { high[index - 16] = newValue } }
  }
}

/// STREAM_SHUFFLE: moves rows between the partitions of each quadrant of 32 partitions, bits
/// unchanged; the same mask serves every quadrant.
///
/// All rows are read before one is written, so that a pattern may be its own target.
/// Source: NKI instruction reference (nc_stream_shuffle), third-party micro-benchmarks (142.6 ns
/// and one element per cycle).
public struct StreamShuffle: MachineInstruction {
  /// Where the rows go.
  public var destination = AccessPattern()
  /// Where they come from.
  public var source = AccessPattern()
  /// Row i of a quadrant comes from row mask[i] of the same quadrant of `src`.
  public var mask = ShuffleMask()

  public var opcode: Opcode { .streamShuffle }
  public init() {}

  /// dst = source with the rows of each quadrant in the order of the mask.
  public init(_ destination: AccessPattern, _ source: AccessPattern, mask: ShuffleMask) {
    self.destination = destination
    self.source = source
    self.mask = mask
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.mask("mask", &mask)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, columns: destination.columns)
    try rules.require("src", source, formats: [destination.format])
    let quadrant = ShuffleMask.count
    let most = Int(max(source.partitionCount, destination.partitionCount))
    let active = (most + quadrant - 1) / quadrant * quadrant
    let step = active > 2 * quadrant ? 4 * quadrant : active
    for (name, access) in [("dst", destination), ("src", source)]
    where Int(access.startPartition) % step != 0 {
      throw rules.fault(
        name, .partitionStart(start: Int(access.startPartition), count: active))
    }
    for index in 0..<Int(destination.partitionCount) {
      let number = mask[index % quadrant]
      guard number != ShuffleMask.keep else { continue }
      let row = index / quadrant * quadrant + Int(number)
      guard Int(number) < quadrant, row < Int(source.partitionCount) else {
        throw rules.fault(
          "mask",
          .value(
            found: "\(number) for partition \(index)",
            allowed: "partitions of src in the same quadrant, or 255"))
      }
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let quadrant = ShuffleMask.count
    for first in stride(from: 0, to: Int(destination.partitionCount), by: quadrant) {
      let count = min(quadrant, Int(destination.partitionCount) - first)
      shuffle(&core, first, count, engine)
    }
  }

  /// One quadrant. A row is written once nobody reads it any more; what is left then are rings, of
  /// which one row is set aside.
  private func shuffle(_ core: inout CoreState, _ first: Int, _ count: Int, _ engine: Engine) {
    var isPending = SIMD32<UInt8>(repeating: 0)
    var readers = SIMD32<UInt8>(repeating: 0)
    for row in 0..<count where mask[row] != ShuffleMask.keep && Int(mask[row]) != row {
      isPending[row] = 1
      readers[Int(mask[row])] += 1
    }
    for row in 0..<count where Int(mask[row]) == row { copy(&core, first, row, row, engine) }
    func settle(_ start: Int) {
      var row = start
      while row < count, isPending[row] == 1, readers[row] == 0 {
        let from = Int(mask[row])
        copy(&core, first, from, row, engine)
        isPending[row] = 0
        readers[from] -= 1
        row = from
      }
    }
    for row in 0..<count { settle(row) }
    for start in 0..<count where isPending[start] == 1 {
      core.loadBits(one(source, first + start), partition: 0, into: .d, engine: engine)
      var row = start
      while Int(mask[row]) != start {
        copy(&core, first, Int(mask[row]), row, engine)
        isPending[row] = 0
        row = Int(mask[row])
      }
      core.storeBits(.d, to: one(destination, first + row), partition: 0, engine: engine)
      isPending[row] = 0
    }
  }

  private func copy(
    _ core: inout CoreState, _ first: Int, _ from: Int, _ to: Int, _ engine: Engine
  ) {
    core.loadBits(one(source, first + from), partition: 0, into: .a, engine: engine)
    core.storeBits(.a, to: one(destination, first + to), partition: 0, engine: engine)
  }

  /// One partition of a pattern.
  private func one(_ access: AccessPattern, _ partition: Int) -> AccessPattern {
    var result = access
    result.startPartition += UInt8(partition)
    result.partitionCount = 1
    return result
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    let shape = StreamShape(source, to: destination, rate: law.rates.streamShuffle.value)
    return .vector(device, shape, startup: shape.readsPSUM ? nil : law.startupShuffle.value)
  }
}
