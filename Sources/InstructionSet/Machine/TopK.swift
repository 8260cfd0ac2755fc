public import CoreState
public import Hardware
import NumericFormats
import Units

/// TOPK: the K largest of the first N values of each group of sixteen partitions, ascending, with
/// their places.
///
/// A group is read and written column after column, each from its first partition to its sixteenth:
/// value i lies in partition i mod 16, element i / 16. K is the number of columns of `values`; only
/// the first ⌈K / 16⌉ of them are written. Equal values: the one that comes first is the larger
/// (assumed); NaN is smaller than every number (assumed).
/// Source: NKI instruction reference (topk, from NeuronCore-v3 on: 4 N + K cycles).
public struct TopK: MachineInstruction {
  /// [P, K] bf16.
  public var values = AccessPattern()
  /// [P, K] uint32.
  public var places = AccessPattern()
  /// [P, ⌈N / 16⌉ or more] bf16.
  public var source = AccessPattern()
  /// Values of a group.
  public var count: Int32 = 8

  public var opcode: Opcode { .topK }
  public init() {}

  /// The `values.columns` largest of the first `count` values of each group of `source`.
  public init(
    _ values: AccessPattern, places: AccessPattern, _ source: AccessPattern, count: Int
  ) {
    self.values = values
    self.places = places
    self.source = source
    self.count = Int32(count)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("values", &values)
    try visitor.write("places", &places)
    try visitor.read("src", &source)
    try visitor.integer("n", &count)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    for (name, access) in [("values", values), ("places", places), ("src", source)] {
      try rules.require(name, access, in: .sbuf)
    }
    try rules.require("values", values, formats: [.bfloat16])
    try rules.require("places", places, formats: [.uint32])
    try rules.require("src", source, formats: [.bfloat16])
    try rules.requireProcessors("src", source)
    try rules.require("values", values, partitions: Int(source.partitionCount))
    try rules.require("places", places, like: values)
    let law = rules.device.gpsimd
    let most = min(law.topKElements.value, LocalGather.group * source.columns)
    guard count >= 8, Int(count) <= most else {
      throw rules.fault("n", .value(found: "\(count)", allowed: "8 to \(most)"))
    }
    let results = min(law.topKResults.value, Int(count))
    guard values.columns <= results else {
      throw rules.fault("values", .tooManyElements(found: values.columns, limit: results))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    let group = LocalGather.group
    let wanted = values.columns
    let columns = (wanted + group - 1) / group
    for first in stride(from: 0, to: Int(source.partitionCount), by: group) {
      let bits = core.indices(Self.slice(source, first), engine: engine).prefix(Int(count))
      let numbers = bits.map { NumberFormat.bfloat16.decode($0) }
      let best = numbers.indices.sorted { Self.isBefore(numbers[$0], $0, numbers[$1], $1) }
        .prefix(wanted).reversed()
      let order = Array(best)
      for partition in 0..<group {
        for column in 0..<columns {
          let place = column * group + partition
          guard place < order.count else { continue }
          let value = Self.element(values, first + partition, column)
          let index = Self.element(places, first + partition, column)
          core.setElementBits(value, to: [bits[order[place]]], engine: engine)
          core.setElementBits(index, to: [UInt32(order[place])], engine: engine)
        }
      }
    }
  }

  private static func isBefore(_ a: Float, _ i: Int, _ b: Float, _ j: Int) -> Bool {
    if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? i < j : b.isNaN }
    return a == b ? i < j : a > b
  }

  private static func slice(_ access: AccessPattern, _ first: Int)
    -> AccessPattern
  {
    var slice = access
    slice.startPartition += UInt8(first)
    slice.partitionCount = UInt8(LocalGather.group)
    return slice
  }

  /// One element of a pattern, as a pattern.
  private static func element(_ access: AccessPattern, _ partition: Int, _ column: Int)
    -> AccessPattern
  {
    var element = access
    element.startPartition += UInt8(partition)
    element.partitionCount = 1
    let byte = Int(access.byteOffset) + access.elementOffset(of: column) * access.format.sizeBytes
    element.byteOffset = UInt32(byte)
    element.dimensionCount = 1
    element.sizes = SIMD4(1, 1, 1, 1)
    element.strides = SIMD4(1, 0, 0, 0)
    return element
  }

  /// 4 N + K cycles, start-up included.
  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.gpsimd
    let hundredths = Int64(count) * law.topKCyclesPerElement.value + Int64(values.columns) * 100
    return .gpsimd(
      device, StreamShape(source, to: values, rate: hundredths, elements: 1), startup: 0)
  }
}
