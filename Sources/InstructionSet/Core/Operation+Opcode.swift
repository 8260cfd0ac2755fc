extension Operation {
  /// Which instruction this is. A switch of its own, because every instruction that is built,
  /// loaded or printed asks for it, and the one that hands operands on copies them.
  public var opcode: Opcode {
    switch self {
    case .control(let i): i.opcode
    case .register(let i): i.opcode
    case .tensorLoad(let i): i.opcode
    case .loadWeights(let i): i.opcode
    case .matmul(let i): i.opcode
    case .activate(let i): i.opcode
    case .tableLoad(let i): i.opcode
    case .readAccumulator(let i): i.opcode
    case .copy(let i): i.opcode
    case .tensorTensor(let i): i.opcode
    case .tensorScalar(let i): i.opcode
    case .scalarTensorTensor(let i): i.opcode
    case .tensorReduce(let i): i.opcode
    case .reciprocal(let i): i.opcode
    case .scan(let i): i.opcode
    case .select(let i): i.opcode
    case .memset(let i): i.opcode
    case .batchNormStatistics(let i): i.opcode
    case .batchNormAggregate(let i): i.opcode
    case .max8(let i): i.opcode
    case .findIndex8(let i): i.opcode
    case .streamTranspose(let i): i.opcode
    case .activate2(let i): i.opcode
    case .tensorScalarReduce(let i): i.opcode
    case .tensorScalarCumulative(let i): i.opcode
    case .selectReduce(let i): i.opcode
    case .rangeSelect(let i): i.opcode
    case .vectorReadAccumulator(let i): i.opcode
    case .copyPredicated(let i): i.opcode
    case .copyPredicatedScalar(let i): i.opcode
    case .matchReplace8(let i): i.opcode
    case .streamShuffle(let i): i.opcode
    case .dropout(let i): i.opcode
    case .random(let i): i.opcode
    case .randomUniform(let i): i.opcode
    case .setRandomState(let i): i.opcode
    case .getRandomState(let i): i.opcode
    case .setRandomSeed(let i): i.opcode
    case .exponential(let i): i.opcode
    case .quantizeMX(let i): i.opcode
    case .iota(let i): i.opcode
    case .affineSelect(let i): i.opcode
    case .dma(let i): i.opcode
    case .dmaIndirect(let i): i.opcode
    case .dmaTranspose(let i): i.opcode
    case .dmaCompute(let i): i.opcode
    case .dmaGatherTranspose(let i): i.opcode
    case .partitionReduce(let i): i.opcode
    case .localGather(let i): i.opcode
    case .freeGather(let i): i.opcode
    case .sequenceBounds(let i): i.opcode
    case .nonzeroWithCount(let i): i.opcode
    case .topK(let i): i.opcode
    case .sendReceive(let i): i.opcode
    case .coreBarrier(let i): i.opcode
    case .collective(let i): i.opcode
    case .tensorStore(let i): i.opcode
    case .writeRegister(let i): i.opcode
    case .modifyPoolConfig(let i): i.opcode
    case .loadMaskSelect(let i): i.opcode
    case .activateQuantize(let i): i.opcode
    case .pool(let i): i.opcode
    case .reduce(let i): i.opcode
    case .scalarRow(let i): i.opcode
    }
  }
}
