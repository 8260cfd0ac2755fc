public import CoreState
public import Hardware
import NumericFormats
import Units

/// SEQUENCE_BOUNDS: for every element of a row of segment numbers the place where its segment
/// begins and the place behind its end; padding, whose number is zero, gets N and -1.
///
/// Source: NKI instruction reference (sequence_bounds); its cost is not published: assumed four
/// cycles per element, as the documented search for the largest values.
public struct SequenceBounds: MachineInstruction {
  /// [1, 2, N]: all beginnings, then all ends.
  public var destination = AccessPattern()
  /// [1, N] segment numbers, fp32 or int32.
  public var source = AccessPattern()

  public var opcode: Opcode { .sequenceBounds }
  public init() {}

  /// dst [1, 2, N] = the bounds of the segments of `source` [1, N].
  public init(_ destination: AccessPattern, _ source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, in: .sbuf)
    try rules.require("src", source, in: .sbuf)
    try rules.require("src", source, formats: [.float32, .int32])
    try rules.require("dst", destination, formats: [source.format])
    try rules.require("src", source, partitions: 1)
    try rules.require("dst", destination, partitions: 1)
    try rules.require("dst", destination, columns: 2 * source.columns)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let count = source.columns
    core.loadBits(source, partition: 0, into: .a, engine: engine)
    let numbers = (0..<count).map { core.rows.bit(.a, $0) }
    var start = 0
    while start < count {
      var end = start + 1
      while end < count, numbers[end] == numbers[start] { end += 1 }
      let isPadding = source.format.decode(numbers[start]) == 0
      for place in start..<end {
        core.rows[.b, place] = isPadding ? Float(count) : Float(start)
        core.rows[.b, count + place] = isPadding ? -1 : Float(end)
      }
      start = end
    }
    core.store(.b, to: destination, partition: 0, engine: engine)
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    .gpsimd(
      device,
      StreamShape(
        source, to: destination, rate: device.gpsimd.sequenceBoundsCyclesPerElement.value,
        elements: source.columns))
  }
}
