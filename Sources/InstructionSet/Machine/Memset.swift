public import CoreState
public import Hardware
import NumericFormats
import Units

/// MEMSET: sets every element to one value, cast to the format of `dst`.
///
/// Source: NKI instruction reference (memset), third-party micro-benchmarks (58 ns and one element
/// per 0.833 ns on either engine).
public struct Memset: MachineInstruction {
  /// What is set.
  public var destination = AccessPattern()
  /// The value.
  public var value: Float = 0

  public var opcode: Opcode { .memset }
  public init() {}

  /// dst = value.
  public init(_ destination: AccessPattern, _ value: Float) {
    self.destination = destination
    self.value = value
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.immediate("value", &value)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    guard destination.format.isPacked, value != 0 else { return }
    throw rules.fault(
      "value", .value(found: "\(value)", allowed: "0 for \(destination.format.name)"))
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.rows.fill(.a, with: value, count: destination.columns)
    for partition in 0..<Int(destination.partitionCount) {
      core.store(.a, to: destination, partition: partition, engine: engine)
    }
  }

  /// The short start-up is a time of its own; warm ones were not told apart.
  public func cost(on device: Device, engine: Engine) -> Cost {
    if engine == .gpsimd {
      let law = device.gpsimd
      return .gpsimd(
        device, StreamShape(to: destination, rate: law.memsetCyclesPerElement.value),
        startup: 0, extra: law.memsetStartup.value)
    }
    let law = device.vector
    var cost = Cost.vector(
      device, StreamShape(to: destination, rate: law.rates.memset.value), startup: 0,
      extra: law.memsetStartup.value)
    cost.warmDuration = cost.coldDuration
    cost.intervalAfterCold = cost.intervalAfterWarm
    return cost
  }
}
