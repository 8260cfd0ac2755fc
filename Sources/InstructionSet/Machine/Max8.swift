public import CoreState
public import Hardware
import NumericFormats
import Units

/// MAX8: the eight largest values of each partition, descending. NaN is none of them (assumed, as
/// nothing published says it); where there are fewer, minus infinity stands in their places.
///
/// Source: NKI instruction reference (max8: 8 to 16,384 elements, one per cycle), nki-library
/// top-k cost model (start-up of 144 cycles).
public struct Max8: MachineInstruction {
  /// Eight values per partition.
  public var destination = AccessPattern()
  /// What is searched.
  public var source = AccessPattern()

  public var opcode: Opcode { .max8 }
  public init() {}

  /// dst [P, 8] = the eight largest of `source`.
  public init(_ destination: AccessPattern, _ source: AccessPattern) {
    self.destination = destination
    self.source = source
  }

  /// Values that the search instructions find.
  static let resultCount = 8

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: Self.resultCount)
    try Self.checkRow(rules, source, like: destination)
  }

  /// The searched row has as many partitions as the result and 8 to 16,384 elements.
  static func checkRow(_ rules: OperandRules, _ source: AccessPattern, like other: AccessPattern)
    throws(Fault)
  {
    try rules.require("src", source, partitions: Int(other.partitionCount))
    let limit = rules.device.vector.findElementsMaximum.value
    guard source.columns <= limit else {
      throw rules.fault("src", .tooManyElements(found: source.columns, limit: limit))
    }
    guard source.columns >= resultCount else {
      throw rules.fault(
        "src", .elementCountMismatch(found: source.columns, expected: resultCount))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.rows.max8(.a, count: source.columns, into: .b)
      core.store(.b, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    return .vector(
      device,
      StreamShape(
        source, to: destination, rate: law.rates.max8.value, elements: source.columns),
      startup: law.topEightStartup.value)
  }
}
