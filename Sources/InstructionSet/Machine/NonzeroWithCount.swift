public import CoreState
public import Hardware
import NumericFormats
import Units

/// NONZERO_WITH_COUNT: the places of the elements that differ from zero, then padding, and in the
/// last element how many there are. Each processor reads and writes its first partition only:
/// partitions 0, 16, …, 112; the others keep what they hold.
///
/// Source: NKI instruction reference (nonzero_with_count, from NeuronCore-v3 on); its cost is not
/// published: assumed four cycles per element.
public struct NonzeroWithCount: MachineInstruction {
  /// [P, N + 1] int32.
  public var destination = AccessPattern()
  /// [P, N] fp32 or int32.
  public var source = AccessPattern()
  /// What is added to each place.
  public var offset: Int32 = 0
  /// What the unused elements become.
  public var padding: Int32 = -1

  public var opcode: Opcode { .nonzeroWithCount }
  public init() {}

  /// dst [P, N + 1] = places in `source` [P, N], padding, count.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, offset: Int = 0, padding: Int = -1
  ) {
    self.destination = destination
    self.source = source
    self.offset = Int32(offset)
    self.padding = Int32(padding)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.integer("offset", &offset)
    try visitor.integer("padding", &padding)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .sbuf)
    try rules.require("src", source, in: .sbuf)
    try rules.require("src", source, formats: [.float32, .int32])
    try rules.require("dst", destination, formats: [.int32])
    try rules.require("dst", destination, partitions: Int(source.partitionCount))
    try rules.require("dst", destination, columns: source.columns + 1)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    for partition in stride(from: 0, to: Int(source.partitionCount), by: LocalGather.group) {
      core.load(source, partition: partition, into: .a, engine: engine)
      var found = 0
      for place in 0..<count where core.rows[.a, place] != 0 {
        core.rows.setBit(.b, found, to: UInt32(bitPattern: Int32(place) &+ offset))
        found += 1
      }
      for place in found..<count {
        core.rows.setBit(.b, place, to: UInt32(bitPattern: padding))
      }
      core.rows.setBit(.b, count, to: UInt32(found))
      core.storeBits(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .gpsimd(
      device,
      StreamShape(
        source, to: destination, rate: device.gpsimd.nonzeroCyclesPerElement.value,
        elements: source.columns))
  }
}
