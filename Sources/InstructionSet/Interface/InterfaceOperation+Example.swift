import CoreState
public import Hardware
import NumericFormats
public import Units

/// What an operation costs on a device for one set of operands.
public struct ExampleCost: Hashable, Sendable {
  /// Cycles that the operands stream, in tenths; for a transfer those of the busiest DMA engine;
  /// zero for what the sequencer does alone.
  public var tenthsOfCycles: Int64
  /// Dispatch to completion of an engine that stood idle; for a transfer its service alone, for the
  /// tensor engine its rows alone.
  public var duration: Picoseconds
}

extension InterfaceOperation {
  /// What the examples take: fp32 tiles of 128 partitions and 512 elements in SBUF, and in HBM for
  /// one side of a transfer.
  public static let exampleOperands = "fp32 [128, 512] in SBUF, a transfer's source in HBM"

  /// The cost of the last instruction of the expansion on a device, nil where it is missing.
  public func example(on device: Device) -> ExampleCost? {
    guard let opcode = opcodes.last,
      let engine = engines(generation: device.generation).first
    else { return nil }
    let operation = ExampleOperands.operation(opcode)
    if let shape = operation.transferShape(on: device, engine: engine) {
      return ExampleCost(
        tenthsOfCycles: shape.serviceTenths,
        duration: device.clocks.dma.value.picoseconds(tenthsOfCycles: shape.serviceTenths))
    }
    let cost = operation.cost(on: device, engine: engine)
    let isTimedByEngine = cost.kind == .matmul || cost.kind == .loadWeights
    return ExampleCost(
      tenthsOfCycles: cost.streamTenths,
      duration: isTimedByEngine
        ? device.clock(of: engine).picoseconds(tenthsOfCycles: cost.streamTenths)
        : cost.coldDuration)
  }
}

/// Fills every operand in memory with the tile of the examples.
private struct ExampleOperands: OperandVisitor {
  private static let columns = 512
  private static let partitions = 128

  /// An instruction over the tile; one that picks rows picks as many as fill it.
  static func operation(_ opcode: Opcode) -> Operation {
    var visitor = ExampleOperands()
    func row(_ format: NumberFormat, _ count: Int) -> TensorAccess {
      TensorAccess(tensor: 0, format, byteOffset: 0, rows: 1, columns: count, rowStride: count)
    }
    func index(_ columns: Int) -> AccessPattern {
      AccessPattern(.sbuf, .uint32, partitions: 0..<partitions, byteOffset: 0, columns: columns)
    }
    switch opcode {
    case .dmaIndirect:
      return .dmaIndirect(
        DMAIndirect(
          .onChip(visitor.tile), from: .hbm(row(.float32, columns)), index: index(1),
          isScatter: false, rowStrideBytes: 4 * columns, rowCount: columns))
    case .dmaGatherTranspose:
      var tile = visitor.tile
      tile.format = .bfloat16
      return .dmaGatherTranspose(
        DMAGatherTranspose(
          tile, rowsOf: row(.bfloat16, partitions), index: index(columns / partitions),
          rowStrideBytes: 2 * partitions, rowCount: columns))
    default:
      var operation = Operation.empty(opcode)
      operation.operands(&visitor)
      return operation
    }
  }

  private var tile: AccessPattern {
    AccessPattern(
      .sbuf, .float32, partitions: 0..<Self.partitions, byteOffset: 0, columns: Self.columns)
  }

  func write(_ name: String, _ value: inout AccessPattern) throws(Never) { value = tile }
  func read(_ name: String, _ value: inout AccessPattern) throws(Never) { value = tile }
  func scalar(_ name: String, _ value: inout ScalarOperand) throws(Never) {}
  func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool) throws(Never) {
    let rows = TensorAccess(
      tensor: 0, .float32, byteOffset: 0, rows: Self.partitions, columns: Self.columns,
      rowStride: Self.columns)
    value = isWrite ? .onChip(tile) : .hbm(rows)
  }
  func integer(_ name: String, _ value: inout Int32) throws(Never) {
    // The values of a group of sixteen partitions; everything else keeps what it begins with.
    if name == "n" { value = Int32(16 * Self.columns) }
  }
}
