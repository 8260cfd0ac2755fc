public import CoreState
public import Hardware
import NumericFormats
import Units

/// DMA_TRANSPOSE: copies a block [F rows, P columns] of HBM or SBUF to P partitions of F elements.
///
/// Source: NKI instruction reference (dma_transpose: two-byte and four-byte elements; at most 90 %
/// of the throughput of a copy from HBM, 50 % within SBUF).
public struct DMATranspose: MachineInstruction {
  /// P partitions of F elements.
  public var destination = AccessPattern()
  /// F rows of P elements: two dimensions in HBM, or F partitions of P elements.
  public var source = DataLocation.onChip(AccessPattern())
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0

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
    guard let (rows, columns) = block else {
      throw rules.fault("src", .dimensionCount(found: dimensionCount, limit: 2))
    }
    guard rows == destination.columns else {
      throw rules.fault(
        "src", .elementCountMismatch(found: rows, expected: destination.columns))
    }
    guard columns == Int(destination.partitionCount) else {
      throw rules.fault(
        "src", .partitionMismatch(found: columns, expected: Int(destination.partitionCount)))
    }
  }

  private var dimensionCount: Int {
    switch source {
    case .onChip(let access): Int(access.dimensionCount) + 1
    case .hbm(let access): Int(access.dimensionCount)
    }
  }

  /// Rows and columns of the source, nil unless it has two dimensions.
  private var block: (rows: Int, columns: Int)? {
    guard dimensionCount == 2 else { return nil }
    switch source {
    case .onChip(let access): return (Int(access.partitionCount), access.columns)
    case .hbm(let access): return (Int(access.sizes[0]), Int(access.sizes[1]))
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    core.transferTransposed(from: source, to: destination, engine: engine)
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost {
    var cost = Cost()
    cost.kind = .dmaTrigger
    return cost
  }

  /// How the transfer is cut and dealt; the engines move it more slowly than a copy.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    let law = device.dma
    let throughput = (source.isHBM ? law.transposeFromHBM : law.transposeFromSBUF).value
    return TransferShape(
      from: source, to: .onChip(destination), queue: Int(queue), isSoftware: engine == .gpsimd,
      device: device, slowdownPermille: (1_000_000 + throughput - 1) / max(1, throughput))
  }
}
