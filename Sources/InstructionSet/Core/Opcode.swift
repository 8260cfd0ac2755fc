public import Hardware

/// Every machine instruction of the model, named as device profiles name it.
public enum Opcode: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case nop, eventSemaphore, eventSemaphoreRangeClear, drain, notify
  case compareBranch, tensorLoad, setOrderingMode, registerMove, registerArithmetic
  case loadWeights, matmul
  case activate, activationTableLoad, activationReadAccumulator
  case copy, cast, tensorTensor, tensorScalar, scalarTensorTensor, tensorReduce
  case reciprocal, tensorTensorScan, select, memset
  case batchNormStatistics, batchNormAggregate, max8, findIndex8, streamTranspose
  case activate2
  case tensorScalarReduce, tensorScalarCumulative, selectReduce, rangeSelect
  case vectorReadAccumulator, copyPredicated, copyPredicatedScalar, matchReplace8, streamShuffle
  case dropout, random, randomUniform, setRandomState, getRandomState, setRandomSeed
  case exponential, quantizeMX
  case iota, affineSelect
  case dmaDirect, dmaIndirect, dmaTranspose
  case dmaCompute, dmaGatherTranspose, pseudoDMATrigger
  case partitionReduce, localGather, freeGather, sequenceBounds, nonzeroWithCount, topK
  case sendReceive, coreBarrier, collective
  case tensorStore, writeRegister, modifyPoolConfig, loadMaskSelect
  case activateQuantize, pool, reduce, scalarRow

  /// The spelling in device profiles, assembly text and reports.
  public var name: String { Self.names[Int(rawValue)] }

  /// The opcode of that name, or nil.
  public init?(name: some StringProtocol) {
    guard let index = Self.names.firstIndex(where: { $0 == name }) else { return nil }
    self.init(rawValue: UInt8(index))
  }

  private static let names = [
    "NOP", "EVENT_SEMAPHORE", "EVENT_SEMAPHORE_RANGE_CLEAR", "DRAIN", "NOTIFY",
    "COMPARE_BRANCH", "TENSOR_LOAD", "SET_ORDERING_MODE", "MOVE", "REGISTER_ALU",
    "LDWEIGHTS", "MATMUL",
    "ACTIVATE", "ACT_TABLE_LOAD", "ACTIVATION_READ_ACCUMULATOR",
    "COPY", "CAST", "TENSOR_TENSOR", "TENSOR_SCALAR", "SCALAR_TENSOR_TENSOR", "TENSOR_REDUCE",
    "RECIPROCAL", "TENSOR_TENSOR_SCAN", "SELECT", "MEMSET",
    "BN_STATS", "BN_AGGR", "MAX8", "FIND_INDEX8", "STREAM_TRANSPOSE",
    "ACTIVATE2",
    "TENSOR_SCALAR_REDUCE", "TENSOR_SCALAR_CUMULATIVE", "SELECT_REDUCE", "RANGE_SELECT",
    "VECTOR_READ_ACCUMULATOR", "COPY_PREDICATED", "COPY_PREDICATED_SCALAR", "MATCH_REPLACE8",
    "STREAM_SHUFFLE",
    "DROPOUT", "RNG", "RAND2", "RAND_SET_STATE", "RAND_GET_STATE", "SET_RNG_SEED",
    "EXPONENTIAL", "QUANTIZE_MX",
    "IOTA", "TENSOR_SCALAR_AFFINE_SELECT",
    "DMA_DIRECT2D", "DMA_INDIRECT", "DMA_TRANSPOSE",
    "DMA_COMPUTE", "DMA_GATHER_TRANSPOSE", "PSEUDO_DMA_TRIGGER",
    "PARTITION_REDUCE", "LOCAL_GATHER", "N_GATHER", "SEQUENCE_BOUNDS", "NONZERO_WITH_COUNT",
    "TOPK",
    "SENDRECV", "PSEUDO_CORE_BARRIER", "COLLECTIVE_TRIGGER",
    "TENSOR_STORE", "WRITE", "MODIFY_POOL_CONFIG", "LOAD_MASK_SELECT",
    "ACTIVATE_QUANTIZE", "POOL", "REDUCE", "SCALAR",
  ]

  /// The engines whose queue may hold this instruction, on the generation that allows most.
  ///
  /// Source: NKI instruction reference (engine of each operation); control rows run on every
  /// sequencer; descriptors are generated in hardware for the scalar and sync queues and in
  /// software by GpSimd.
  public var engines: [Engine] {
    switch self {
    case .nop, .eventSemaphore, .eventSemaphoreRangeClear, .drain, .notify, .compareBranch,
      .tensorLoad, .setOrderingMode, .registerMove, .registerArithmetic, .tensorStore,
      .writeRegister, .coreBarrier, .collective:
      Engine.allCases
    case .loadWeights, .matmul: [.tensor]
    case .activate, .activationTableLoad, .activationReadAccumulator, .activate2: [.scalar]
    case .copy, .cast: [.vector, .scalar, .gpsimd]
    case .tensorTensor, .memset: [.vector, .gpsimd]
    case .tensorScalar: [.vector, .gpsimd, .scalar]
    case .random: [.vector, .gpsimd]
    case .setRandomState, .getRandomState: [.gpsimd, .vector]
    case .iota, .affineSelect: [.gpsimd]
    case .dmaDirect, .dmaTranspose: [.scalar, .sync, .gpsimd]
    case .dmaIndirect: [.gpsimd]
    case .dmaCompute, .pseudoDMATrigger, .sendReceive: [.scalar, .sync, .gpsimd]
    case .dmaGatherTranspose, .partitionReduce, .localGather, .freeGather, .sequenceBounds,
      .nonzeroWithCount, .topK, .modifyPoolConfig:
      [.gpsimd]
    case .activateQuantize: [.scalar]
    case .loadMaskSelect, .pool, .reduce, .scalarRow: [.vector]
    case .scalarTensorTensor, .tensorReduce, .reciprocal, .tensorTensorScan, .select,
      .batchNormStatistics, .batchNormAggregate, .max8, .findIndex8, .streamTranspose,
      .tensorScalarReduce, .tensorScalarCumulative, .selectReduce, .rangeSelect,
      .vectorReadAccumulator, .copyPredicated, .copyPredicatedScalar, .matchReplace8,
      .streamShuffle, .dropout, .randomUniform, .setRandomSeed, .exponential, .quantizeMX:
      [.vector]
    }
  }

  /// The first generation of NeuronCore whose engine of that kind carries the instruction out, or
  /// nil when none does.
  ///
  /// Source: NKI instruction reference ("available only on NeuronCore-v3 and newer" and the like).
  public func firstGeneration(on engine: Engine) -> Int? {
    let generation = Self.generations[Int(rawValue) * Engine.allCases.count + Int(engine.rawValue)]
    return generation == 0 ? nil : Int(generation)
  }

  /// The first generation by opcode and engine, 0 where there is none: asked of each instruction.
  private static let generations: [UInt8] = allCases.flatMap { opcode in
    Engine.allCases.map { UInt8(opcode.engines.contains($0) ? opcode.generation(on: $0) : 0) }
  }

  private func generation(on engine: Engine) -> Int {
    switch (self, engine) {
    case (.rangeSelect, _), (.tensorScalar, .scalar), (.random, .gpsimd),
      (.setRandomState, .gpsimd), (.getRandomState, .gpsimd), (.nonzeroWithCount, _), (.topK, _),
      (.sendReceive, _), (.coreBarrier, _):
      return 3
    case (.activate2, _), (.exponential, _), (.quantizeMX, _), (.randomUniform, _),
      (.setRandomState, _), (.getRandomState, _):
      return 4
    default: return 2
    }
  }

  /// The engines whose queue may hold this instruction on a generation of NeuronCore.
  public func engines(generation: Int) -> [Engine] {
    engines.filter { (firstGeneration(on: $0) ?? .max) <= generation }
  }

  /// True when the sequencer alone carries the instruction out: no data path is needed.
  public var isControl: Bool {
    switch self {
    case .nop, .eventSemaphore, .eventSemaphoreRangeClear, .drain, .notify, .compareBranch,
      .tensorLoad, .setOrderingMode, .registerMove, .registerArithmetic, .tensorStore,
      .writeRegister, .modifyPoolConfig, .loadMaskSelect, .coreBarrier, .collective,
      .sendReceive:
      true
    default: false
    }
  }

  /// True when the instruction may name tensors of the segment: their addresses must be bound.
  public var readsTensors: Bool {
    isDMA || self == .tensorLoad || self == .tensorStore || self == .collective
  }

  /// True when the instruction meets those of other cores: a model of the chip settles when.
  public var meetsOtherCores: Bool {
    self == .sendReceive || self == .coreBarrier || self == .collective
  }

  /// True when the instruction hands work to the DMA engines.
  public var isDMA: Bool {
    switch self {
    case .dmaDirect, .dmaIndirect, .dmaTranspose, .dmaCompute, .dmaGatherTranspose,
      .pseudoDMATrigger:
      true
    default: false
    }
  }
}
