public import CoreState
public import Hardware
import NumericFormats
import Units

/// DMA_TRANSPOSE: the first and the last dimension of a block of HBM or SBUF change places: [F, P]
/// becomes [P, F], [F, B, P] becomes [P, B, F], [F, B, C, P] becomes [P, B, C, F].
///
/// Source: NKI instruction reference (dma_transpose: axes (1,0), (2,1,0) and (3,1,2,0); two-byte
/// and four-byte elements; at most 90 % of the throughput of a copy from HBM, 50 % within SBUF; in
/// hardware two bytes, a first dimension of 1, 2, 4, 8 or 16 and a last of at most 128).
public struct DMATranspose: MachineInstruction {
  /// P partitions of […, F] elements.
  public var destination = AccessPattern()
  /// [F, …, P], two to four dimensions: in SBUF the partitions are the first.
  public var source = DataLocation.onChip(AccessPattern())
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0
  /// NeuronCore-v4: 0 is served first, 3 last.
  public var priority: Int32 = 0
  /// Who makes the descriptors; software does so for gathered rows only.
  public var mode = DescriptorMode.automatic

  public var opcode: Opcode { .dmaTranspose }
  public init() {}

  /// dst[p, f] = src[f, p].
  public init(_ destination: AccessPattern, from source: DataLocation, queue: Int = 0) {
    self.destination = destination
    self.source = source
    self.queue = Int32(queue)
  }

  /// dst[p, f] = src[f, p] of an HBM tensor.
  public init(_ destination: AccessPattern, from source: TensorAccess, queue: Int = 0) {
    self.init(destination, from: .hbm(source), queue: queue)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.transfer("src", &source, isWrite: false)
    try visitor.integer("queue", &queue)
    try visitor.choice("dge", &mode)
    try visitor.integer("priority", &priority)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try DMADirect.checkQueue(rules, queue)
    try rules.require("dst", destination, in: .sbuf)
    let format = destination.format
    guard format.sizeBytes == 2 || format.sizeBytes == 4 else {
      throw rules.fault(
        "dst", .format(found: format.name, allowed: "formats of two or four bytes"))
    }
    guard source.format == format else {
      throw rules.fault("src", .format(found: source.format.name, allowed: format.name))
    }
    guard (2...4).contains(dimensions.count) else {
      throw rules.fault(
        "src", .value(found: "\(dimensions.count) dimensions", allowed: "2 to 4"))
    }
    let rows = dimensions.dropLast().reduce(1, *)
    guard rows == destination.columns else {
      throw rules.fault(
        "src", .elementCountMismatch(found: rows, expected: destination.columns))
    }
    let columns = dimensions[dimensions.count - 1]
    guard columns == Int(destination.partitionCount) else {
      throw rules.fault(
        "src", .partitionMismatch(found: columns, expected: Int(destination.partitionCount)))
    }
    try checkMode(rules)
  }

  /// What the descriptor generators ask of a block.
  private func checkMode(_ rules: OperandRules) throws(Fault) {
    try mode.check(rules)
    try rules.checkPriority(priority)
    guard mode != .software else {
      throw rules.fault("dge", .value(found: "swdge", allowed: "hwdge; swdge gathers rows"))
    }
    guard mode == .hardware else { return }
    guard destination.format.sizeBytes == 2 else {
      throw rules.fault(
        "dge", .format(found: destination.format.name, allowed: "formats of two bytes in hwdge"))
    }
    let first = dimensions[0]
    guard [1, 2, 4, 8, 16].contains(first) else {
      throw rules.fault(
        "dge", .value(found: "first dimension \(first)", allowed: "1, 2, 4, 8 or 16 in hwdge"))
    }
    let product = first * dimensions[dimensions.count - 2]
    guard product % 16 == 0 else {
      throw rules.fault(
        "dge",
        .value(
          found: "first times last but one \(product)", allowed: "multiples of 16 in hwdge"))
    }
  }

  /// Sizes of the source, outermost first.
  private var dimensions: [Int] {
    switch source {
    case .onChip(let access):
      [Int(access.partitionCount)]
        + (0..<min(4, Int(access.dimensionCount))).map { Int(access.sizes[$0]) }
    case .hbm(let access): (0..<min(4, Int(access.dimensionCount))).map { Int(access.sizes[$0]) }
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.transferTransposed(from: source, to: destination, engine: engine)
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost { .dmaTrigger }

  /// How the transfer is cut and dealt; the engines move it more slowly than a copy.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    let law = device.dma
    let throughput = (source.isHBM ? law.transposeFromHBM : law.transposeFromSBUF).value
    var shape = TransferShape(
      from: source, to: .onChip(destination), queue: Int(queue),
      isSoftware: mode.isSoftware(on: engine), device: device,
      slowdownPermille: (1_000_000 + throughput - 1) / max(1, throughput))
    shape.isStored = mode == .stored
    shape.priority = UInt8(truncatingIfNeeded: priority)
    return shape
  }
}
