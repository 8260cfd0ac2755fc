public import CoreState
public import Hardware
import Units

/// DMA_COMPUTE: the DMA engines add up to sixteen sources, each times a constant, element by
/// element in fp32, and store the sum in the destination's format.
///
/// Descriptors are stored before the run, so that addresses are fixed.
/// Source: NKI instruction reference (dma_compute), Neuron NEFF guide (sixteen sources, fp32, half
/// the throughput of a copy for a sum of two; more sources take more passes, which is assumed).
public struct DMACompute: MachineInstruction {
  /// Where the sums go.
  public var destination = DataLocation.onChip(AccessPattern())
  /// What is added, in this order.
  public var sources = DMACompute.noSources
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0

  private static let noSources = TransferSources([ScaledLocation(.onChip(AccessPattern()))])

  public var opcode: Opcode { .dmaCompute }
  public init() {}

  /// dst = sum of scale · source; one to sixteen sources.
  public init(_ destination: DataLocation, sumOf sources: [ScaledLocation], queue: Int = 0) {
    self.destination = destination
    self.sources = TransferSources(sources)
    self.queue = Int32(queue)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.transfer("dst", &destination, isWrite: true)
    try visitor.integer("queue", &queue)
    let before = sources.list
    var list = before
    // A count that no word says stays as it is, for the rules to refuse.
    let usual = SourceCount(rawValue: UInt8(clamping: list.count)) ?? .sixteen
    var count = usual
    try visitor.choice("sources", &count)
    if count != usual {
      let wanted = Int(count.rawValue)
      while list.count < wanted { list.append(ScaledLocation(Self.first)) }
      list.removeLast(list.count - wanted)
    }
    for index in list.indices {
      try visitor.transfer("src\(index)", &list[index].location, isWrite: false)
      try visitor.immediate("scale\(index)", &list[index].scale)
    }
    if list != before { sources = TransferSources(list) }
  }

  private static var first: DataLocation { .onChip(AccessPattern()) }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try DMADirect.checkQueue(rules, queue)
    let list = sources.list
    let limit = rules.device.dma.maxSources.value
    guard (1...limit).contains(list.count) else {
      throw rules.fault("sources", .value(found: "\(list.count)", allowed: "1 to \(limit)"))
    }
    let named = list.enumerated().map { ("src\($0.offset)", $0.element.location) }
    for (name, location) in [("dst", destination)] + named {
      guard location.count == destination.count else {
        throw rules.fault(
          name, .elementCountMismatch(found: location.count, expected: destination.count))
      }
      guard !location.isDynamic else {
        throw rules.fault(
          name, .value(found: "a register", allowed: "fixed addresses in stored descriptors"))
      }
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.transferSum(of: sources.list, to: destination, engine: engine)
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost { .dmaTrigger }

  /// How the transfer is cut and dealt: as a copy of the source in the shortest runs, in as many
  /// passes as there are sources.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    let locations = sources.list.map(\.location)
    guard let worst = locations.min(by: { $0.contiguousRun < $1.contiguousRun }) else {
      return TransferShape(queue: Int(queue))
    }
    let isOneFormat = locations.allSatisfy { $0.format == destination.format }
    var shape = TransferShape(
      from: worst, to: destination, queue: Int(queue), isSoftware: false, device: device,
      slowdownPermille: TransferShape.addingSlowdown(
        sources: locations.count, to: destination, isOneFormat: isOneFormat, device))
    shape.isStored = true
    let read = locations.filter(\.isHBM)
    shape.readsHBM = !read.isEmpty
    shape.hbmReadBytes = read.reduce(0) { $0 + Int64($1.byteCount) }
    return shape
  }
}
