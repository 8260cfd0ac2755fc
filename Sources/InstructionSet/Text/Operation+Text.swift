extension Operation {
  /// The instruction of that name with the operands that it begins with.
  static func empty(_ opcode: Opcode) -> Operation {
    switch opcode {
    case .nop, .eventSemaphore, .eventSemaphoreRangeClear, .drain, .notify, .setOrderingMode:
      .control(ControlInstruction(opcode))
    case .registerMove, .registerArithmetic, .compareBranch: .register(RegisterInstruction(opcode))
    case .tensorLoad: .tensorLoad(TensorLoad())
    case .loadWeights: .loadWeights(LoadWeights())
    case .matmul: .matmul(Matmul())
    case .activate: .activate(Activate())
    case .activationTableLoad: .tableLoad(ActivationTableLoad())
    case .activationReadAccumulator: .readAccumulator(ActivationReadAccumulator())
    case .copy, .cast: .copy(Copy())
    case .tensorTensor: .tensorTensor(TensorTensor())
    case .tensorScalar: .tensorScalar(TensorScalar())
    case .scalarTensorTensor: .scalarTensorTensor(ScalarTensorTensor())
    case .tensorReduce: .tensorReduce(TensorReduce())
    case .reciprocal: .reciprocal(Reciprocal())
    case .tensorTensorScan: .scan(TensorTensorScan())
    case .select: .select(Select())
    case .memset: .memset(Memset())
    case .batchNormStatistics: .batchNormStatistics(BatchNormStatistics())
    case .batchNormAggregate: .batchNormAggregate(BatchNormAggregate())
    case .max8: .max8(Max8())
    case .findIndex8: .findIndex8(FindIndex8())
    case .streamTranspose: .streamTranspose(StreamTranspose())
    case .activate2: .activate2(Activate2())
    case .tensorScalarReduce: .tensorScalarReduce(TensorScalarReduce())
    case .tensorScalarCumulative: .tensorScalarCumulative(TensorScalarCumulative())
    case .selectReduce: .selectReduce(SelectReduce())
    case .rangeSelect: .rangeSelect(RangeSelect())
    case .vectorReadAccumulator: .vectorReadAccumulator(VectorReadAccumulator())
    case .copyPredicated: .copyPredicated(CopyPredicated())
    case .copyPredicatedScalar: .copyPredicatedScalar(CopyPredicatedScalar())
    case .matchReplace8: .matchReplace8(MatchReplace8())
    case .streamShuffle: .streamShuffle(StreamShuffle())
    case .dropout: .dropout(Dropout())
    case .random: .random(RandomBits())
    case .randomUniform: .randomUniform(RandomUniform())
    case .setRandomState: .setRandomState(SetRandomState())
    case .getRandomState: .getRandomState(GetRandomState())
    case .setRandomSeed: .setRandomSeed(SetRandomSeed())
    case .exponential: .exponential(Exponential())
    case .quantizeMX: .quantizeMX(QuantizeMX())
    case .iota: .iota(Iota())
    case .affineSelect: .affineSelect(AffineSelect())
    case .dmaDirect, .pseudoDMATrigger: .dma(DMADirect(opcode))
    case .dmaIndirect: .dmaIndirect(DMAIndirect())
    case .dmaTranspose: .dmaTranspose(DMATranspose())
    case .dmaCompute: .dmaCompute(DMACompute())
    case .dmaGatherTranspose: .dmaGatherTranspose(DMAGatherTranspose())
    case .partitionReduce: .partitionReduce(PartitionReduce())
    case .localGather: .localGather(LocalGather())
    case .freeGather: .freeGather(FreeGather())
    case .sequenceBounds: .sequenceBounds(SequenceBounds())
    case .nonzeroWithCount: .nonzeroWithCount(NonzeroWithCount())
    case .topK: .topK(TopK())
    case .sendReceive: .sendReceive(SendReceive())
    case .coreBarrier: .coreBarrier(CoreBarrier())
    case .collective: .collective(Collective())
    case .tensorStore: .tensorStore(TensorStore())
    case .writeRegister: .writeRegister(WriteRegister())
    case .modifyPoolConfig: .modifyPoolConfig(ModifyPoolConfig())
    case .loadMaskSelect: .loadMaskSelect(LoadMaskSelect())
    case .activateQuantize: .activateQuantize(ActivateQuantize())
    case .pool: .pool(Pool())
    case .reduce: .reduce(Reduce())
    case .scalarRow: .scalarRow(ScalarRow())
    }
  }

  /// The instruction as assembly text: its name and its operands. Numbers and flags that are as the
  /// instruction begins with are left out.
  public func text(tensors: [TensorParameter] = []) -> String {
    let opcode = opcode
    let fields = fields(tensors)
    let usual = Operation.empty(opcode).fields(tensors)
    var words = [opcode.name]
    for (index, field) in fields.enumerated() {
      let isUsual = index < usual.count && usual[index].text == field.text
      if !(field.canBeOmitted && isUsual) { words.append(field.text) }
    }
    return words.joined(separator: " ")
  }

  private func fields(_ tensors: [TensorParameter]) -> [OperandPrinter.Field] {
    var printer = OperandPrinter(tensors: tensors)
    var copy = self
    copy.operands(&printer)
    return printer.fields
  }
}
