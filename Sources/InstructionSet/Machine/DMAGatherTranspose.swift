public import CoreState
public import Hardware
import NumericFormats
import Units

/// DMA_GATHER_TRANSPOSE: rows of an HBM table, picked by an index, become the columns of
/// partitions: dst[p, i] = table[index i, p].
///
/// The index is taken column after column, each from its first partition to its last (assumed, as
/// local_gather takes it). GpSimd builds the descriptors.
/// Source: NKI instruction reference (dma_transpose with indices: two-byte elements of HBM,
/// indices uint32 on 16 to 128 partitions in steps of 16).
public struct DMAGatherTranspose: MachineInstruction {
  /// P partitions of as many elements as there are indices.
  public var destination = AccessPattern()
  /// Row 0 of the table: P elements in HBM.
  public var source = DataLocation.onChip(AccessPattern())
  /// Row numbers, uint32 in SBUF.
  public var index = AccessPattern()
  /// Bytes from one row of the table to the next.
  public var rowStrideBytes: Int32 = 0
  /// Rows of the table.
  public var rowCount: Int32 = 0
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0
  /// A row number beyond the table is a fault; otherwise its column keeps what it holds.
  public var refusesOutOfBounds = false

  public var opcode: Opcode { .dmaGatherTranspose }
  public init() {}

  /// dst[p, i] = element p of row index i of the table whose row 0 is `source`.
  public init(
    _ destination: AccessPattern, rowsOf source: TensorAccess, index: AccessPattern,
    rowStrideBytes: Int, rowCount: Int, queue: Int = 0
  ) {
    self.destination = destination
    self.source = .hbm(source)
    self.index = index
    self.rowStrideBytes = Int32(rowStrideBytes)
    self.rowCount = Int32(rowCount)
    self.queue = Int32(queue)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.write("dst", &destination)
    try visitor.transfer("src", &source, isWrite: false)
    try visitor.read("index", &index)
    try visitor.integer("rowstride", &rowStrideBytes)
    try visitor.integer("rows", &rowCount)
    try visitor.integer("queue", &queue)
    try visitor.flag("strict", &refusesOutOfBounds)
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try DMADirect.checkQueue(rules, queue)
    guard case .hbm(let row) = source else {
      throw rules.fault("src", .space(found: "sbuf", allowed: "hbm"))
    }
    try rules.require("dst", destination, in: .sbuf)
    guard destination.format.sizeBytes == 2 else {
      throw rules.fault(
        "dst", .format(found: destination.format.name, allowed: "formats of two bytes"))
    }
    guard row.format == destination.format else {
      throw rules.fault(
        "src", .format(found: row.format.name, allowed: destination.format.name))
    }
    guard row.count == Int(destination.partitionCount) else {
      throw rules.fault(
        "src", .partitionMismatch(found: row.count, expected: Int(destination.partitionCount)))
    }
    try rules.require("index", index, in: .sbuf)
    try rules.require("index", index, formats: [.uint32])
    try rules.requireProcessors("index", index)
    try rules.require(
      "dst", destination, columns: Int(index.partitionCount) * index.columns)
    guard rowCount > 0 else {
      throw rules.fault("rows", .value(found: "\(rowCount)", allowed: "1 and more"))
    }
    guard rowStrideBytes > 0 else {
      throw rules.fault("rowstride", .value(found: "\(rowStrideBytes)", allowed: "1 and more"))
    }
  }

  /// A row number beyond the table, if there is one and it matters.
  func strayIndex(on core: borrowing CoreState, engine: Engine) -> Fault.Rule? {
    guard refusesOutOfBounds else { return nil }
    let numbers = core.elementBits(index, engine: engine)
    return numbers.first { Int($0) >= Int(rowCount) }.map {
      .value(found: "row \($0)", allowed: "0 to \(rowCount - 1)")
    }
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard case .hbm(let row) = source else { return }
    core.transferRowsTransposed(
      to: destination, row: row, indices: core.indices(index, engine: engine),
      rowStrideBytes: Int(rowStrideBytes), rowCount: Int(rowCount), engine: engine)
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost { .dmaTrigger }

  /// How the transfer is cut and dealt: a descriptor per row, moved as slowly as a transpose.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    guard case .hbm(let row) = source else { return TransferShape(queue: Int(queue)) }
    let count = Int(index.partitionCount) * index.columns
    var rows = row
    rows.sizes = SIMD4(UInt32(count), UInt32(row.count), 1, 1)
    rows.strides = SIMD4(Int32(2 * row.count), row.contiguousRun == row.count ? 1 : 2, 0, 0)
    rows.dimensionCount = 2
    let throughput = device.dma.transposeFromHBM.value
    var shape = TransferShape(
      from: .hbm(rows), to: .onChip(destination), queue: Int(queue),
      isSoftware: engine == .gpsimd, device: device,
      slowdownPermille: (1_000_000 + throughput - 1) / max(1, throughput))
    shape.indexRows = Int32(clamping: count)
    return shape
  }

  /// Lowest and one past the highest byte of the table that any index can reach.
  var tableExtent: Range<Int>? {
    guard case .hbm(let row) = source else { return nil }
    let extent = row.byteExtent
    return extent.lowerBound..<(extent.upperBound + (Int(rowCount) - 1) * Int(rowStrideBytes))
  }
}
