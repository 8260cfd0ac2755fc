public import CoreState
public import Hardware
import NumericFormats
import Units

/// MATCH_REPLACE8: dst = src with the first occurrence of each of eight values replaced; the places
/// of the occurrences may be written too, all ones for a value that is not there.
///
/// The last of the eight values goes first, so that of equal values the last takes the first
/// occurrence.
/// Source: NKI instruction reference (nc_match_replace8: at most 16,384 elements, one per cycle),
/// nki-library top-k cost model (start-up of 144 cycles). What a miss writes is not published and
/// assumed as for nc_find_index8.
public struct MatchReplace8: MachineInstruction {
  /// The row with its replacements.
  public var destination = AccessPattern()
  /// The row that is searched.
  public var source = AccessPattern()
  /// Eight values per partition.
  public var values = AccessPattern()
  /// What replaces the occurrences.
  public var replacement: Float = 0
  /// Writes the places too.
  public var writesPlaces = false
  /// Eight places per partition, uint16 or uint32.
  public var places = AccessPattern()

  public var opcode: Opcode { .matchReplace8 }
  public init() {}

  /// dst = source with the first occurrences of `values` replaced.
  public init(
    _ destination: AccessPattern, _ source: AccessPattern, values: AccessPattern,
    replacement: Float, places: AccessPattern? = nil
  ) {
    self.destination = destination
    self.source = source
    self.values = values
    self.replacement = replacement
    writesPlaces = places != nil
    if let places { self.places = places }
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.read("values", &values)
    try visitor.immediate("by", &replacement)
    try visitor.flag("indexed", &writesPlaces)
    if writesPlaces { try visitor.write("index", &places) }
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("src", source, like: destination)
    try rules.require("values", values, columns: Max8.resultCount)
    try rules.require("values", values, partitions: Int(destination.partitionCount))
    let limit = rules.device.vector.findElementsMaximum.value
    guard source.columns <= limit else {
      throw rules.fault("src", .tooManyElements(found: source.columns, limit: limit))
    }
    guard writesPlaces else { return }
    try rules.require("index", places, like: values)
    try rules.require("index", places, formats: [.uint16, .uint32])
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.load(values, partition: partition, into: .b, engine: engine)
      core.rows.matchReplace8(
        .b, in: .a, count: source.columns, by: replacement, places: .c)
      core.store(.a, to: destination, partition: partition, engine: engine)
      if writesPlaces { core.storeBits(.c, to: places, partition: partition, engine: engine) }
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    return .vector(
      device,
      StreamShape(
        source, values, to: destination, rate: law.rates.matchReplace8.value,
        elements: source.columns),
      startup: law.topEightStartup.value)
  }
}
