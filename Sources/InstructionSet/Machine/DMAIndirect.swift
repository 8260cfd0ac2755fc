public import CoreState
public import Hardware
import NumericFormats
import Units

/// DMA_INDIRECT: gathers rows of an HBM table into partitions, or scatters partitions to rows;
/// partition p meets row index[p], and a row number beyond the table is skipped or a fault. The
/// rows may be added to what is there: a read-modify-write, whose row numbers must differ.
///
/// GpSimd builds the descriptors: only software can look at the index.
/// Source: NKI instruction reference (dma_copy with a vector offset); the time per index row is
/// assumed.
public struct DMAIndirect: MachineInstruction {
  /// Where the elements go: partitions in SBUF, or row 0 of the table when scattering.
  public var destination = DataLocation.onChip(AccessPattern())
  /// Where they come from: row 0 of the table, or partitions when scattering.
  public var source = DataLocation.onChip(AccessPattern())
  /// One row number per partition, uint32 in SBUF.
  public var index = AccessPattern()
  /// Writes to the rows of the table instead of reading them.
  public var isScatter = false
  /// Bytes from one row of the table to the next.
  public var rowStrideBytes: Int32 = 0
  /// Rows of the table.
  public var rowCount: Int32 = 0
  /// The ring, 0 to 15, of this queue.
  public var queue: Int32 = 0
  /// Adds in fp32 instead of replacing.
  public var accumulate = false
  /// A row number beyond the table is a fault; otherwise its row is skipped.
  public var refusesOutOfBounds = false

  public var opcode: Opcode { .dmaIndirect }
  public init() {}

  /// Partition p of the SBUF side meets row index[p] of the HBM side, whose access names row 0.
  public init(
    _ destination: DataLocation, from source: DataLocation, index: AccessPattern, isScatter: Bool,
    rowStrideBytes: Int, rowCount: Int, queue: Int = 0
  ) {
    self.destination = destination
    self.source = source
    self.index = index
    self.isScatter = isScatter
    self.rowStrideBytes = Int32(rowStrideBytes)
    self.rowCount = Int32(rowCount)
    self.queue = Int32(queue)
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.transfer("dst", &destination, isWrite: true)
    try visitor.transfer("src", &source, isWrite: false)
    try visitor.read("index", &index)
    try visitor.flag("scatter", &isScatter)
    try visitor.integer("rowstride", &rowStrideBytes)
    try visitor.integer("rows", &rowCount)
    try visitor.integer("queue", &queue)
    try visitor.flag("acc", &accumulate)
    try visitor.flag("strict", &refusesOutOfBounds)
  }

  /// The two sides, when one is on chip and the other in HBM, as the direction demands.
  private var sides: (onChip: AccessPattern, row: TensorAccess)? {
    switch (isScatter ? source : destination, isScatter ? destination : source) {
    case (.onChip(let access), .hbm(let row)): (access, row)
    default: nil
    }
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    try DMADirect.checkQueue(rules, queue)
    guard let (onChip, row) = sides else {
      throw rules.fault(
        isScatter ? "dst" : "src", .space(found: "sbuf", allowed: "hbm, and the other side sbuf"))
    }
    guard row.count == onChip.columns else {
      throw rules.fault(
        isScatter ? "dst" : "src",
        .elementCountMismatch(found: row.count, expected: onChip.columns))
    }
    try rules.require("index", index, in: .sbuf)
    try rules.require("index", index, formats: [.uint32])
    try rules.require("index", index, columns: 1)
    try rules.require("index", index, partitions: Int(onChip.partitionCount))
    guard rowCount > 0 else {
      throw rules.fault("rows", .value(found: "\(rowCount)", allowed: "1 and more"))
    }
    guard rowStrideBytes > 0 else {
      throw rules.fault("rowstride", .value(found: "\(rowStrideBytes)", allowed: "1 and more"))
    }
    if accumulate, !refusesOutOfBounds {
      throw rules.fault("acc", .value(found: "acc without strict", allowed: "acc with strict"))
    }
  }

  /// A row number beyond the table, or one that a sum names twice, if there is one.
  func strayIndex(on core: borrowing CoreState, engine: Engine) -> Fault.Rule? {
    guard refusesOutOfBounds else { return nil }
    let numbers = core.elementBits(index, engine: engine)
    if let found = numbers.first(where: { Int($0) >= Int(rowCount) }) {
      return .value(found: "row \(found)", allowed: "0 to \(rowCount - 1)")
    }
    var seen = Set<UInt32>()
    if accumulate, isScatter, let twin = numbers.first(where: { !seen.insert($0).inserted }) {
      return .value(found: "row \(twin) twice", allowed: "row numbers that differ")
    }
    return nil
  }

  public func execute(on core: inout CoreState, engine: Engine) {
    guard let (onChip, row) = sides else { return }
    core.transferRows(
      onChip: onChip, row: row, index: index, isScatter: isScatter,
      rowStrideBytes: Int(rowStrideBytes), rowCount: Int(rowCount), adds: accumulate,
      engine: engine)
  }

  /// The trigger's own time depends on the queue's state; the core adds it.
  public func cost(on device: Device, engine: Engine) -> Cost { .dmaTrigger }

  /// How the transfer is cut and dealt: a descriptor per run of a row.
  public func shape(on device: Device, engine: Engine) -> TransferShape {
    guard let (onChip, row) = sides else { return TransferShape(queue: Int(queue)) }
    // A dimension of rows that do not touch each other stands for the rows that the index names.
    var rows = row
    rows.sizes = SIMD4(UInt32(onChip.partitionCount), UInt32(row.count), 1, 1)
    rows.strides = SIMD4(Int32(2 * row.count), row.contiguousRun == row.count ? 1 : 2, 0, 0)
    rows.dimensionCount = 2
    let (table, lanes) = (DataLocation.hbm(rows), DataLocation.onChip(onChip))
    let slowdown =
      accumulate
      ? TransferShape.addingSlowdown(
        sources: 2, to: isScatter ? table : lanes, isOneFormat: row.format == onChip.format,
        device)
      : 1000
    var shape = TransferShape(
      from: isScatter ? lanes : table, to: isScatter ? table : lanes, queue: Int(queue),
      isSoftware: engine == .gpsimd, device: device, slowdownPermille: slowdown)
    shape.indexRows = Int32(onChip.partitionCount)
    if accumulate, isScatter {
      shape.readsHBM = true
      shape.hbmReadBytes += Int64(table.byteCount)
    }
    return shape
  }

  /// Lowest and one past the highest byte of the table that any index can reach.
  public var tableExtent: Range<Int>? {
    guard let (_, row) = sides else { return nil }
    let extent = row.byteExtent
    return extent.lowerBound..<(extent.upperBound + (Int(rowCount) - 1) * Int(rowStrideBytes))
  }
}
