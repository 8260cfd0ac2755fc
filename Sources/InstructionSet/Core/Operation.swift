import CoreState
import Hardware

/// Every machine instruction with its operands: the one list from which execution, costs, text,
/// rules and hazards follow.
public enum Operation: Hashable, Sendable, BitwiseCopyable {
  case control(ControlInstruction)
  case register(RegisterInstruction)
  case tensorLoad(TensorLoad)
  case loadWeights(LoadWeights)
  case matmul(Matmul)
  case activate(Activate)
  case tableLoad(ActivationTableLoad)
  case readAccumulator(ActivationReadAccumulator)
  case copy(Copy)
  case tensorTensor(TensorTensor)
  case tensorScalar(TensorScalar)
  case scalarTensorTensor(ScalarTensorTensor)
  case tensorReduce(TensorReduce)
  case reciprocal(Reciprocal)
  case scan(TensorTensorScan)
  case select(Select)
  case memset(Memset)
  case batchNormStatistics(BatchNormStatistics)
  case batchNormAggregate(BatchNormAggregate)
  case max8(Max8)
  case findIndex8(FindIndex8)
  case streamTranspose(StreamTranspose)
  case activate2(Activate2)
  case tensorScalarReduce(TensorScalarReduce)
  case tensorScalarCumulative(TensorScalarCumulative)
  case selectReduce(SelectReduce)
  case rangeSelect(RangeSelect)
  case vectorReadAccumulator(VectorReadAccumulator)
  case copyPredicated(CopyPredicated)
  case copyPredicatedScalar(CopyPredicatedScalar)
  case matchReplace8(MatchReplace8)
  case streamShuffle(StreamShuffle)
  case dropout(Dropout)
  case random(RandomBits)
  case randomUniform(RandomUniform)
  case setRandomState(SetRandomState)
  case getRandomState(GetRandomState)
  case setRandomSeed(SetRandomSeed)
  case exponential(Exponential)
  case quantizeMX(QuantizeMX)
  case iota(Iota)
  case affineSelect(AffineSelect)
  case dma(DMADirect)
  case dmaIndirect(DMAIndirect)
  case dmaTranspose(DMATranspose)
  case dmaCompute(DMACompute)
  case dmaGatherTranspose(DMAGatherTranspose)
  case partitionReduce(PartitionReduce)
  case localGather(LocalGather)
  case freeGather(FreeGather)
  case sequenceBounds(SequenceBounds)
  case nonzeroWithCount(NonzeroWithCount)
  case topK(TopK)
  case sendReceive(SendReceive)
  case coreBarrier(CoreBarrier)
  case collective(Collective)
  case tensorStore(TensorStore)
  case writeRegister(WriteRegister)
  case modifyPoolConfig(ModifyPoolConfig)
  case loadMaskSelect(LoadMaskSelect)
  case activateQuantize(ActivateQuantize)
  case pool(Pool)
  case reduce(Reduce)
  case scalarRow(ScalarRow)
}

/// Something done to the payload of an operation, whatever instruction it is.
protocol OperationBody {
  associatedtype Result
  associatedtype Failure: Error
  mutating func apply<I: MachineInstruction>(_ instruction: inout I) throws(Failure) -> Result
}

extension Operation {
  /// Hands the payload to `body` and keeps what it changed. The one switch over all instructions.
  mutating func with<B: OperationBody>(_ body: inout B) throws(B.Failure) -> B.Result {
    switch self {
    case .control(var i): defer { self = .control(i) }; return try body.apply(&i)
    case .register(var i): defer { self = .register(i) }; return try body.apply(&i)
    case .tensorLoad(var i): defer { self = .tensorLoad(i) }; return try body.apply(&i)
    case .loadWeights(var i): defer { self = .loadWeights(i) }; return try body.apply(&i)
    case .matmul(var i): defer { self = .matmul(i) }; return try body.apply(&i)
    case .activate(var i): defer { self = .activate(i) }; return try body.apply(&i)
    case .tableLoad(var i): defer { self = .tableLoad(i) }; return try body.apply(&i)
    case .readAccumulator(var i): defer { self = .readAccumulator(i) }; return try body.apply(&i)
    case .copy(var i): defer { self = .copy(i) }; return try body.apply(&i)
    case .tensorTensor(var i): defer { self = .tensorTensor(i) }; return try body.apply(&i)
    case .tensorScalar(var i): defer { self = .tensorScalar(i) }; return try body.apply(&i)
    case .scalarTensorTensor(var i):
      defer { self = .scalarTensorTensor(i) }
      return try body.apply(&i)
    case .tensorReduce(var i): defer { self = .tensorReduce(i) }; return try body.apply(&i)
    case .reciprocal(var i): defer { self = .reciprocal(i) }; return try body.apply(&i)
    case .scan(var i): defer { self = .scan(i) }; return try body.apply(&i)
    case .select(var i): defer { self = .select(i) }; return try body.apply(&i)
    case .memset(var i): defer { self = .memset(i) }; return try body.apply(&i)
    case .batchNormStatistics(var i):
      defer { self = .batchNormStatistics(i) }
      return try body.apply(&i)
    case .batchNormAggregate(var i):
      defer { self = .batchNormAggregate(i) }
      return try body.apply(&i)
    case .max8(var i): defer { self = .max8(i) }; return try body.apply(&i)
    case .findIndex8(var i): defer { self = .findIndex8(i) }; return try body.apply(&i)
    case .streamTranspose(var i): defer { self = .streamTranspose(i) }; return try body.apply(&i)
    case .activate2(var i): defer { self = .activate2(i) }; return try body.apply(&i)
    case .tensorScalarReduce(var i):
      defer { self = .tensorScalarReduce(i) }
      return try body.apply(&i)
    case .tensorScalarCumulative(var i):
      defer { self = .tensorScalarCumulative(i) }
      return try body.apply(&i)
    case .selectReduce(var i): defer { self = .selectReduce(i) }; return try body.apply(&i)
    case .rangeSelect(var i): defer { self = .rangeSelect(i) }; return try body.apply(&i)
    case .vectorReadAccumulator(var i):
      defer { self = .vectorReadAccumulator(i) }
      return try body.apply(&i)
    case .copyPredicated(var i): defer { self = .copyPredicated(i) }; return try body.apply(&i)
    case .copyPredicatedScalar(var i):
      defer { self = .copyPredicatedScalar(i) }
      return try body.apply(&i)
    case .matchReplace8(var i): defer { self = .matchReplace8(i) }; return try body.apply(&i)
    case .streamShuffle(var i): defer { self = .streamShuffle(i) }; return try body.apply(&i)
    case .dropout(var i): defer { self = .dropout(i) }; return try body.apply(&i)
    case .random(var i): defer { self = .random(i) }; return try body.apply(&i)
    case .randomUniform(var i): defer { self = .randomUniform(i) }; return try body.apply(&i)
    case .setRandomState(var i): defer { self = .setRandomState(i) }; return try body.apply(&i)
    case .getRandomState(var i): defer { self = .getRandomState(i) }; return try body.apply(&i)
    case .setRandomSeed(var i): defer { self = .setRandomSeed(i) }; return try body.apply(&i)
    case .exponential(var i): defer { self = .exponential(i) }; return try body.apply(&i)
    case .quantizeMX(var i): defer { self = .quantizeMX(i) }; return try body.apply(&i)
    case .iota(var i): defer { self = .iota(i) }; return try body.apply(&i)
    case .affineSelect(var i): defer { self = .affineSelect(i) }; return try body.apply(&i)
    case .dma(var i): defer { self = .dma(i) }; return try body.apply(&i)
    case .dmaIndirect(var i): defer { self = .dmaIndirect(i) }; return try body.apply(&i)
    case .dmaTranspose(var i): defer { self = .dmaTranspose(i) }; return try body.apply(&i)
    default: return try withOthers(&body)
    }
  }

  /// The rest of the switch: a function is one screen.
  private mutating func withOthers<B: OperationBody>(_ body: inout B) throws(B.Failure)
    -> B.Result
  {
    switch self {
    case .dmaCompute(var i): defer { self = .dmaCompute(i) }; return try body.apply(&i)
    case .dmaGatherTranspose(var i):
      defer { self = .dmaGatherTranspose(i) }
      return try body.apply(&i)
    case .partitionReduce(var i): defer { self = .partitionReduce(i) }; return try body.apply(&i)
    case .localGather(var i): defer { self = .localGather(i) }; return try body.apply(&i)
    case .freeGather(var i): defer { self = .freeGather(i) }; return try body.apply(&i)
    case .sequenceBounds(var i): defer { self = .sequenceBounds(i) }; return try body.apply(&i)
    case .nonzeroWithCount(var i): defer { self = .nonzeroWithCount(i) }; return try body.apply(&i)
    case .topK(var i): defer { self = .topK(i) }; return try body.apply(&i)
    case .sendReceive(var i): defer { self = .sendReceive(i) }; return try body.apply(&i)
    case .coreBarrier(var i): defer { self = .coreBarrier(i) }; return try body.apply(&i)
    case .collective(var i): defer { self = .collective(i) }; return try body.apply(&i)
    case .tensorStore(var i): defer { self = .tensorStore(i) }; return try body.apply(&i)
    case .writeRegister(var i): defer { self = .writeRegister(i) }; return try body.apply(&i)
    case .modifyPoolConfig(var i): defer { self = .modifyPoolConfig(i) }; return try body.apply(&i)
    case .loadMaskSelect(var i): defer { self = .loadMaskSelect(i) }; return try body.apply(&i)
    case .activateQuantize(var i): defer { self = .activateQuantize(i) }; return try body.apply(&i)
    case .pool(var i): defer { self = .pool(i) }; return try body.apply(&i)
    case .reduce(var i): defer { self = .reduce(i) }; return try body.apply(&i)
    case .scalarRow(var i): defer { self = .scalarRow(i) }; return try body.apply(&i)
    // Named one by one, so that the compiler asks for an instruction that is in neither switch.
    case .control, .register, .tensorLoad, .loadWeights, .matmul, .activate, .tableLoad,
      .readAccumulator, .copy, .tensorTensor, .tensorScalar, .scalarTensorTensor, .tensorReduce,
      .reciprocal, .scan, .select, .memset, .batchNormStatistics, .batchNormAggregate, .max8,
      .findIndex8, .streamTranspose, .activate2, .tensorScalarReduce, .tensorScalarCumulative,
      .selectReduce, .rangeSelect, .vectorReadAccumulator, .copyPredicated, .copyPredicatedScalar,
      .matchReplace8, .streamShuffle, .dropout, .random, .randomUniform, .setRandomState,
      .getRandomState, .setRandomSeed, .exponential, .quantizeMX, .iota, .affineSelect, .dma,
      .dmaIndirect, .dmaTranspose:
      preconditionFailure("the switch above has these")
    }
  }

  /// Walks over the operands; a parser may change them.
  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    var body = VisitBody(visitor: visitor)
    defer { visitor = body.visitor }
    try with(&body)
  }

  /// Checks every rule of the device for this instruction in this queue.
  public func validate(_ rules: OperandRules) throws(Fault) {
    let opcode = opcode
    let generation = rules.device.generation
    guard let first = opcode.firstGeneration(on: rules.engine) else {
      let allowed = opcode.engines(generation: generation)
      throw rules.fault(
        "queue", .engine(allowed: (allowed.isEmpty ? opcode.engines : allowed).map(\.name)))
    }
    try rules.require("queue", generation: first)
    var copy = self
    var body = ValidateBody(rules: rules)
    try copy.with(&body)
  }
}

extension Operation {
  /// Names of the operands that may be views through offsets.
  var indirectOperands: [String] {
    var copy = self
    var body = IndirectOperandsBody()
    return copy.with(&body)
  }
}

private struct IndirectOperandsBody: OperationBody {
  func apply<I: MachineInstruction>(_ instruction: inout I) throws(Never) -> [String] {
    I.indirectOperands
  }
}

private struct VisitBody<V: OperandVisitor>: OperationBody {
  var visitor: V
  mutating func apply<I: MachineInstruction>(_ instruction: inout I) throws(V.Failure) {
    try instruction.operands(&visitor)
  }
}

private struct ValidateBody: OperationBody {
  let rules: OperandRules
  func apply<I: MachineInstruction>(_ instruction: inout I) throws(Fault) {
    var checker = RuleChecker(rules: rules, indirect: IndirectViews(allowed: I.indirectOperands))
    try instruction.operands(&checker)
    try checker.microscaled.check(instruction.opcode, rules)
    try checker.indirect.check(rules)
    try instruction.validate(rules)
  }
}
