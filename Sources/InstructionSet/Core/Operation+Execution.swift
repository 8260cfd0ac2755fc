public import CoreState
public import Hardware
import NumericFormats

extension Operation {
  /// Carries out what the instruction does to the core: the hot switch over all instructions.
  ///
  /// Operands were checked when the program was loaded, and those whose address comes from a
  /// register by `checkRegisters` just before.
  public func execute(on core: inout CoreState, engine: Engine) {
    switch self {
    case .control(let i): i.execute(on: &core, engine: engine)
    case .register(let i): i.execute(on: &core, engine: engine)
    case .tensorLoad(let i): i.execute(on: &core, engine: engine)
    case .loadWeights(let i): i.execute(on: &core, engine: engine)
    case .matmul(let i): i.execute(on: &core, engine: engine)
    case .activate(let i): i.execute(on: &core, engine: engine)
    case .tableLoad(let i): i.execute(on: &core, engine: engine)
    case .readAccumulator(let i): i.execute(on: &core, engine: engine)
    case .copy(let i): i.execute(on: &core, engine: engine)
    case .tensorTensor(let i): i.execute(on: &core, engine: engine)
    case .tensorScalar(let i): i.execute(on: &core, engine: engine)
    case .scalarTensorTensor(let i): i.execute(on: &core, engine: engine)
    case .tensorReduce(let i): i.execute(on: &core, engine: engine)
    case .reciprocal(let i): i.execute(on: &core, engine: engine)
    case .scan(let i): i.execute(on: &core, engine: engine)
    case .select(let i): i.execute(on: &core, engine: engine)
    case .memset(let i): i.execute(on: &core, engine: engine)
    case .batchNormStatistics(let i): i.execute(on: &core, engine: engine)
    case .batchNormAggregate(let i): i.execute(on: &core, engine: engine)
    case .max8(let i): i.execute(on: &core, engine: engine)
    case .findIndex8(let i): i.execute(on: &core, engine: engine)
    case .streamTranspose(let i): i.execute(on: &core, engine: engine)
    case .activate2(let i): i.execute(on: &core, engine: engine)
    case .tensorScalarReduce(let i): i.execute(on: &core, engine: engine)
    case .tensorScalarCumulative(let i): i.execute(on: &core, engine: engine)
    case .selectReduce(let i): i.execute(on: &core, engine: engine)
    case .rangeSelect(let i): i.execute(on: &core, engine: engine)
    case .vectorReadAccumulator(let i): i.execute(on: &core, engine: engine)
    case .copyPredicated(let i): i.execute(on: &core, engine: engine)
    case .copyPredicatedScalar(let i): i.execute(on: &core, engine: engine)
    case .matchReplace8(let i): i.execute(on: &core, engine: engine)
    case .streamShuffle(let i): i.execute(on: &core, engine: engine)
    case .dropout(let i): i.execute(on: &core, engine: engine)
    case .random(let i): i.execute(on: &core, engine: engine)
    case .randomUniform(let i): i.execute(on: &core, engine: engine)
    case .setRandomState(let i): i.execute(on: &core, engine: engine)
    case .getRandomState(let i): i.execute(on: &core, engine: engine)
    case .setRandomSeed(let i): i.execute(on: &core, engine: engine)
    case .exponential(let i): i.execute(on: &core, engine: engine)
    case .quantizeMX(let i): i.execute(on: &core, engine: engine)
    case .iota(let i): i.execute(on: &core, engine: engine)
    case .affineSelect(let i): i.execute(on: &core, engine: engine)
    case .dma(let i): i.execute(on: &core, engine: engine)
    case .dmaIndirect(let i): i.execute(on: &core, engine: engine)
    case .dmaTranspose(let i): i.execute(on: &core, engine: engine)
    case .dmaCompute(let i): i.execute(on: &core, engine: engine)
    case .dmaGatherTranspose(let i): i.execute(on: &core, engine: engine)
    case .partitionReduce(let i): i.execute(on: &core, engine: engine)
    case .localGather(let i): i.execute(on: &core, engine: engine)
    case .freeGather(let i): i.execute(on: &core, engine: engine)
    case .sequenceBounds(let i): i.execute(on: &core, engine: engine)
    case .nonzeroWithCount(let i): i.execute(on: &core, engine: engine)
    case .topK(let i): i.execute(on: &core, engine: engine)
    case .sendReceive(let i): i.execute(on: &core, engine: engine)
    case .coreBarrier(let i): i.execute(on: &core, engine: engine)
    case .collective(let i): i.execute(on: &core, engine: engine)
    case .tensorStore(let i): i.execute(on: &core, engine: engine)
    case .writeRegister(let i): i.execute(on: &core, engine: engine)
    case .modifyPoolConfig(let i): i.execute(on: &core, engine: engine)
    case .loadMaskSelect(let i): i.execute(on: &core, engine: engine)
    case .activateQuantize(let i): i.execute(on: &core, engine: engine)
    case .pool(let i): i.execute(on: &core, engine: engine)
    case .reduce(let i): i.execute(on: &core, engine: engine)
    case .scalarRow(let i): i.execute(on: &core, engine: engine)
    }
  }

  /// What it costs on a device. A switch of its own: a device is large, and a body that held one
  /// would copy it for every instruction.
  public func cost(on device: Device, engine: Engine) -> Cost {
    switch self {
    case .control(let i): i.cost(on: device, engine: engine)
    case .register(let i): i.cost(on: device, engine: engine)
    case .tensorLoad(let i): i.cost(on: device, engine: engine)
    case .loadWeights(let i): i.cost(on: device, engine: engine)
    case .matmul(let i): i.cost(on: device, engine: engine)
    case .activate(let i): i.cost(on: device, engine: engine)
    case .tableLoad(let i): i.cost(on: device, engine: engine)
    case .readAccumulator(let i): i.cost(on: device, engine: engine)
    case .copy(let i): i.cost(on: device, engine: engine)
    case .tensorTensor(let i): i.cost(on: device, engine: engine)
    case .tensorScalar(let i): i.cost(on: device, engine: engine)
    case .scalarTensorTensor(let i): i.cost(on: device, engine: engine)
    case .tensorReduce(let i): i.cost(on: device, engine: engine)
    case .reciprocal(let i): i.cost(on: device, engine: engine)
    case .scan(let i): i.cost(on: device, engine: engine)
    case .select(let i): i.cost(on: device, engine: engine)
    case .memset(let i): i.cost(on: device, engine: engine)
    case .batchNormStatistics(let i): i.cost(on: device, engine: engine)
    case .batchNormAggregate(let i): i.cost(on: device, engine: engine)
    case .max8(let i): i.cost(on: device, engine: engine)
    case .findIndex8(let i): i.cost(on: device, engine: engine)
    case .streamTranspose(let i): i.cost(on: device, engine: engine)
    case .activate2(let i): i.cost(on: device, engine: engine)
    case .tensorScalarReduce(let i): i.cost(on: device, engine: engine)
    case .tensorScalarCumulative(let i): i.cost(on: device, engine: engine)
    case .selectReduce(let i): i.cost(on: device, engine: engine)
    case .rangeSelect(let i): i.cost(on: device, engine: engine)
    case .vectorReadAccumulator(let i): i.cost(on: device, engine: engine)
    case .copyPredicated(let i): i.cost(on: device, engine: engine)
    case .copyPredicatedScalar(let i): i.cost(on: device, engine: engine)
    case .matchReplace8(let i): i.cost(on: device, engine: engine)
    case .streamShuffle(let i): i.cost(on: device, engine: engine)
    case .dropout(let i): i.cost(on: device, engine: engine)
    case .random(let i): i.cost(on: device, engine: engine)
    case .randomUniform(let i): i.cost(on: device, engine: engine)
    case .setRandomState(let i): i.cost(on: device, engine: engine)
    case .getRandomState(let i): i.cost(on: device, engine: engine)
    case .setRandomSeed(let i): i.cost(on: device, engine: engine)
    case .exponential(let i): i.cost(on: device, engine: engine)
    case .quantizeMX(let i): i.cost(on: device, engine: engine)
    case .iota(let i): i.cost(on: device, engine: engine)
    case .affineSelect(let i): i.cost(on: device, engine: engine)
    case .dma(let i): i.cost(on: device, engine: engine)
    case .dmaIndirect(let i): i.cost(on: device, engine: engine)
    case .dmaTranspose(let i): i.cost(on: device, engine: engine)
    case .dmaCompute(let i): i.cost(on: device, engine: engine)
    case .dmaGatherTranspose(let i): i.cost(on: device, engine: engine)
    case .partitionReduce(let i): i.cost(on: device, engine: engine)
    case .localGather(let i): i.cost(on: device, engine: engine)
    case .freeGather(let i): i.cost(on: device, engine: engine)
    case .sequenceBounds(let i): i.cost(on: device, engine: engine)
    case .nonzeroWithCount(let i): i.cost(on: device, engine: engine)
    case .topK(let i): i.cost(on: device, engine: engine)
    case .sendReceive(let i): i.cost(on: device, engine: engine)
    case .coreBarrier(let i): i.cost(on: device, engine: engine)
    case .collective(let i): i.cost(on: device, engine: engine)
    case .tensorStore(let i): i.cost(on: device, engine: engine)
    case .writeRegister(let i): i.cost(on: device, engine: engine)
    case .modifyPoolConfig(let i): i.cost(on: device, engine: engine)
    case .loadMaskSelect(let i): i.cost(on: device, engine: engine)
    case .activateQuantize(let i): i.cost(on: device, engine: engine)
    case .pool(let i): i.cost(on: device, engine: engine)
    case .reduce(let i): i.cost(on: device, engine: engine)
    case .scalarRow(let i): i.cost(on: device, engine: engine)
    }
  }

  /// True when the instruction may change registers or the program counter.
  public var touchesRegisters: Bool {
    switch self {
    case .register, .tensorLoad: true
    default: false
    }
  }

  /// How a DMA is cut and dealt over the engines, nil for everything else.
  public func transferShape(on device: Device, engine: Engine) -> TransferShape? {
    switch self {
    case .dma(let i): i.shape(on: device, engine: engine)
    case .dmaIndirect(let i): i.shape(on: device, engine: engine)
    case .dmaTranspose(let i): i.shape(on: device, engine: engine)
    case .dmaCompute(let i): i.shape(on: device, engine: engine)
    case .dmaGatherTranspose(let i): i.shape(on: device, engine: engine)
    default: nil
    }
  }

  /// The tiles of the array that a matrix product keeps busy: bit row / 32 · 4 + column / 32 of a
  /// 4 × 4 grid. All of them for everything that is no product.
  public func arrayRegion(_ device: Device) -> UInt16 {
    guard case .matmul(let matmul) = self else { return .max }
    let full = device.memory.partitions.value
    let tile = full / 4
    let rows = Self.tileExtent(
      matmul.row, Int(matmul.moving.partitionCount), matmul.tileRows, device)
    let columns = Self.tileExtent(
      matmul.column, Int(matmul.columns), matmul.tileColumns, device)
    var region: UInt16 = 0
    for row in rows.lowerBound / tile..<rows.upperBound / tile {
      for column in columns.lowerBound / tile..<columns.upperBound / tile {
        region |= 1 << UInt16(row * 4 + column)
      }
    }
    return region
  }

  /// Rows or columns of the array that a tile takes.
  private static func tileExtent(
    _ start: Int32, _ count: Int, _ given: Int32, _ device: Device
  ) -> Range<Int> {
    let full = device.memory.partitions.value
    let size = Matmul.tileSize(
      count, given: Int(given), full: full, least: device.tensor.minimumTile.value)
    return Int(start)..<min(full, Int(start) + size)
  }

  /// What the operation costs when `next` follows it in its queue: blocks of STREAM_TRANSPOSE whose
  /// quadrants differ follow each other more slowly.
  public func cost(on device: Device, engine: Engine, before next: Operation?) -> Cost {
    let cost = cost(on: device, engine: engine)
    guard case .streamTranspose(let block) = self, case .streamTranspose(let following)? = next,
      following.changesQuadrants(from: block)
    else { return cost }
    return block.cost(cost, on: device)
  }

  /// Multiply-accumulates that reports count. An fp32 product runs in two passes: each counts half,
  /// rounded up. A packed element counts four.
  public var macs: Int64 {
    guard case .matmul(let matmul) = self, !matmul.isTranspose else { return 0 }
    let products =
      Int64(matmul.moving.partitionCount) * Int64(matmul.columns) * Int64(matmul.moving.columns)
    if matmul.moving.format.isPacked { return products * Int64(MXFormat.packedCount) }
    let isHalf = matmul.moving.format == .float32 && !matmul.isOneZero
    return isHalf ? (products + 1) / 2 : products
  }
}
