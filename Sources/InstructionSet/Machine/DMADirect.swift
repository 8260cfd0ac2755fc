public import CoreState
public import Hardware
import Units

/// DMA_DIRECT2D: a strided copy between HBM and SBUF, within HBM or within SBUF; the element
/// formats may differ, and the elements may be added to those that are there.
///
/// On the scalar and sync queues hardware builds the descriptors; on GpSimd software does. With
/// descriptors that the host stored it is PSEUDO_DMA_TRIGGER, one register write at run time.
/// Source: NKI instruction reference (dma_copy), profiler captures (service, trigger, dispatch).
public struct DMADirect: MachineInstruction {
  /// Where the elements go.
  public var destination = DataLocation.onChip(AccessPattern())
  /// Where the elements come from; as many as `destination` names, in the same order.
  public var source = DataLocation.onChip(AccessPattern())
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0
  /// The largest value, in bytes, of a register that an address adds.
  public var bound = Int32.max
  /// NeuronCore-v4: 0 is served first, 3 last.
  public var priority: Int32 = 0
  /// Adds to the destination in fp32 instead of replacing it.
  public var accumulate = false
  /// An address beyond `bound` moves nothing; otherwise it is a fault.
  public var skipsOutOfBounds = false
  /// Who makes the descriptors.
  public var mode = DescriptorMode.automatic

  public var opcode: Opcode { mode == .stored ? .pseudoDMATrigger : .dmaDirect }
  public init() {}

  /// PSEUDO_DMA_TRIGGER or DMA_DIRECT2D with their default operands.
  init(_ opcode: Opcode) { mode = opcode == .pseudoDMATrigger ? .stored : .automatic }

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
    try visitor.flag("acc", &accumulate)
    try visitor.choice("dge", &mode)
    try visitor.integer("bound", &bound)
    try visitor.flag("skip", &skipsOutOfBounds)
    try visitor.integer("priority", &priority)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try Self.checkQueue(rules, queue)
    try mode.check(rules)
    try rules.checkPriority(priority)
    guard source.count == destination.count else {
      throw rules.fault(
        "src", .elementCountMismatch(found: source.count, expected: destination.count))
    }
    guard bound >= 0 else {
      throw rules.fault("bound", .value(found: "\(bound)", allowed: "0 and more"))
    }
    if mode == .stored {
      for (name, location) in [("dst", destination), ("src", source)] where location.isDynamic {
        throw rules.fault(
          name, .value(found: "a register", allowed: "fixed addresses in stored descriptors"))
      }
    }
    if skipsOutOfBounds, bound == .max {
      throw rules.fault("skip", .value(found: "skip without bound", allowed: "skip with bound"))
    }
    if skipsOutOfBounds, accumulate {
      throw rules.fault("skip", .value(found: "skip with acc", allowed: "one of them"))
    }
  }

  /// Rings are numbered from 0 to 15 on each queue.
  static func checkQueue(_ rules: OperandRules, _ queue: Int32) throws(Fault) {
    let limit = rules.device.dma.ringsPerEngine.value
    guard queue >= 0, queue < limit else {
      throw rules.fault("queue", .value(found: "\(queue)", allowed: "0 to \(limit - 1)"))
    }
  }

  /// True when a register holds an address that this transfer may not have.
  func leavesBounds(on core: borrowing CoreState, engine: Engine) -> Bool {
    guard bound != .max else { return false }
    for location in [destination, source] where location.isDynamic {
      let offset = core.offset(location.register, engine)
      if offset < 0 || offset > Int(bound) { return true }
    }
    return false
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    if skipsOutOfBounds, leavesBounds(on: core, engine: engine) { return }
    if accumulate {
      core.transferSum(
        of: [ScaledLocation(destination), ScaledLocation(source)], to: destination,
        engine: engine)
    } else {
      core.transfer(from: source, to: destination, engine: engine)
    }
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost { .dmaTrigger }

  /// How the transfer is cut and dealt.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    let slowdown =
      accumulate
      ? TransferShape.addingSlowdown(
        sources: 2, to: destination, isOneFormat: source.format == destination.format, device)
      : 1000
    var shape = TransferShape(
      from: source, to: destination, queue: Int(queue), isSoftware: mode.isSoftware(on: engine),
      device: device, slowdownPermille: slowdown)
    shape.isStored = mode == .stored
    shape.isDynamic = source.isDynamic || destination.isDynamic
    shape.priority = UInt8(truncatingIfNeeded: priority)
    if accumulate, destination.isHBM {
      shape.readsHBM = true
      shape.hbmReadBytes += Int64(destination.byteCount)
    }
    return shape
  }
}

extension Cost {
  /// A trigger: its time depends on the queue's state, which the core knows.
  static var dmaTrigger: Cost {
    var cost = Cost()
    cost.kind = .dmaTrigger
    return cost
  }
}

extension DataLocation {
  /// The register that the address adds, or `AccessPattern.noRegister`.
  var register: UInt8 {
    switch self {
    case .onChip(let access): access.register
    case .hbm(let access): access.register
    }
  }

  /// True when the address adds a register.
  var isDynamic: Bool { register != AccessPattern.noRegister }
}
