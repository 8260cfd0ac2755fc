public import CoreState
public import Hardware
import Units

/// DMA_DIRECT2D: a strided copy between HBM and SBUF, within HBM or within SBUF; the element
/// formats may differ.
///
/// On the scalar and sync queues hardware builds the descriptors; on GpSimd software does.
/// Source: NKI instruction reference (dma_copy), profiler captures (service, trigger, dispatch).
public struct DMADirect: MachineInstruction {
  /// Where the elements go.
  public var destination = DataLocation.onChip(AccessPattern())
  /// Where the elements come from; as many as `destination` names, in the same order.
  public var source = DataLocation.onChip(AccessPattern())
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0

  public var opcode: Opcode { .dmaDirect }
  public init() {}

  /// Copies `source` to `destination` through one ring of the queue.
  public init(_ destination: DataLocation, from source: DataLocation, queue: Int = 0) {
    self.destination = destination
    self.source = source
    self.queue = Int32(queue)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.transfer("dst", &destination, isWrite: true)
    try visitor.transfer("src", &source, isWrite: false)
    try visitor.integer("queue", &queue)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try Self.checkQueue(rules, queue)
    guard source.count == destination.count else {
      throw rules.fault(
        "src", .elementCountMismatch(found: source.count, expected: destination.count))
    }
  }

  /// Rings are numbered from 0 to 15 on each queue.
  static func checkQueue(_ rules: OperandRules, _ queue: Int32) throws(Fault) {
    let limit = rules.device.dma.ringsPerEngine.value
    guard queue >= 0, queue < limit else {
      throw rules.fault("queue", .value(found: "\(queue)", allowed: "0 to \(limit - 1)"))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.transfer(from: source, to: destination, engine: engine)
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost {
    var cost = Cost()
    cost.kind = .dmaTrigger
    return cost
  }

  /// How the transfer is cut and dealt.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    TransferShape(
      from: source, to: destination, queue: Int(queue), isSoftware: engine == .gpsimd,
      device: device)
  }
}
