public import CoreState
public import Hardware
import NumericFormats
import Units

/// FIND_INDEX8: for each of eight values the place of its first occurrence in the row; equal values
/// take one occurrence after the other; a value that is not there gives all ones.
///
/// Source: NKI instruction reference (nc_find_index8), nki-library top-k cost model (start-up).
public struct FindIndex8: MachineInstruction {
  /// Eight indices per partition, uint16 or uint32.
  public var destination = AccessPattern()
  /// The row that is searched.
  public var source = AccessPattern()
  /// Eight values per partition.
  public var values = AccessPattern()

  public var opcode: Opcode { .findIndex8 }
  public init() {}

  /// dst [P, 8] = the places of `values` [P, 8] in `source`.
  public init(_ destination: AccessPattern, _ source: AccessPattern, values: AccessPattern) {
    self.destination = destination
    self.source = source
    self.values = values
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.read("src", &source)
    try visitor.read("values", &values)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try rules.require("dst", destination, columns: Max8.resultCount)
    try rules.require("dst", destination, formats: [.uint16, .uint32])
    try rules.require("values", values, like: destination)
    try Max8.checkRow(rules, source, like: destination)
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    for partition in 0..<Int(destination.partitionCount) {
      core.load(source, partition: partition, into: .a, engine: engine)
      core.load(values, partition: partition, into: .b, engine: engine)
      core.rows.findIndex8(.b, in: .a, count: source.columns, into: .c)
      core.storeBits(.c, to: destination, partition: partition, engine: engine)
    }
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.vector
    return .vector(
      device,
      StreamShape(
        source, values, to: destination, rate: law.rates.findIndex8.value,
        elements: source.columns),
      startup: law.topEightStartup.value)
  }
}
