import CoreState
import Hardware
import InstructionSet
import NumericFormats

/// Fills every operand of an instruction with a seeded value that text can hold.
struct RandomOperands: OperandVisitor {
  typealias Failure = Never
  var generator: Generator
  let tensorCount: Int

  init(seed: UInt64, tensorCount: Int) {
    generator = Generator(seed: seed)
    self.tensorCount = tensorCount
  }

  private mutating func register() -> UInt8 {
    Bool.random(using: &generator)
      ? UInt8.random(in: 0...63, using: &generator) : AccessPattern.noRegister
  }

  mutating func access() -> AccessPattern {
    let count = Int.random(in: 1...4, using: &generator)
    var sizes = SIMD4<UInt16>(repeating: 1)
    var strides = SIMD4<Int16>(repeating: 0)
    for dimension in 0..<count {
      sizes[dimension] = UInt16.random(in: 1...UInt16.max, using: &generator)
      strides[dimension] = Int16.random(in: Int16.min...Int16.max, using: &generator)
    }
    var access = AccessPattern(
      space: MemorySpace.allCases.randomElement(using: &generator)!,
      format: NumberFormat.allCases.randomElement(using: &generator)!,
      startPartition: UInt8.random(in: 0...127, using: &generator),
      partitionCount: UInt8.random(in: 1...128, using: &generator),
      byteOffset: UInt32.random(in: 0...UInt32.max, using: &generator),
      dimensionCount: UInt8(count), sizes: sizes, strides: strides, register: register())
    if Int.random(in: 0..<4, using: &generator) == 0 {
      access.viewColumns = UInt16.random(in: 1...UInt16.max, using: &generator)
      access.setIndex(
        byte: Int.random(in: 0...AccessPattern.lastIndexByte, using: &generator),
        partition: Int.random(in: 0...255, using: &generator))
    }
    return access
  }

  mutating func tensor() -> TensorAccess {
    let count = Int.random(in: 1...4, using: &generator)
    var sizes = SIMD4<UInt32>(repeating: 1)
    var strides = SIMD4<Int32>(repeating: 0)
    for dimension in 0..<count {
      sizes[dimension] = UInt32.random(in: 1...UInt32.max, using: &generator)
      strides[dimension] = Int32.random(in: Int32.min...Int32.max, using: &generator)
    }
    return TensorAccess(
      tensor: UInt16.random(in: 0..<UInt16(tensorCount), using: &generator),
      format: NumberFormat.allCases.randomElement(using: &generator)!,
      byteOffset: Int64.random(in: -4096...(1 << 40), using: &generator),
      dimensionCount: UInt8(count), sizes: sizes, strides: strides, register: register())
  }

  /// Any finite pattern of bits, now and then a special one.
  mutating func number() -> Float {
    let special: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity, .leastNonzeroMagnitude, 0.1]
    if Int.random(in: 0..<4, using: &generator) == 0 {
      return special.randomElement(using: &generator)!
    }
    let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
    return value.isNaN ? 2.5 : value
  }

  mutating func write(_ name: String, _ value: inout AccessPattern) throws(Never) {
    value = access()
  }
  mutating func read(_ name: String, _ value: inout AccessPattern) throws(Never) {
    value = access()
  }
  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(Never) {
    value = Bool.random(using: &generator) ? .immediate(number()) : .pointer(access())
  }
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(Never)
  {
    value = Bool.random(using: &generator) ? .onChip(access()) : .hbm(tensor())
  }
  mutating func immediate(_ name: String, _ value: inout Float) throws(Never) { value = number() }
  mutating func integer(_ name: String, _ value: inout Int32) throws(Never) {
    value = Int32.random(in: Int32.min...Int32.max, using: &generator)
  }
  mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(Never) {
    for index in 0..<Int.random(in: 0...4, using: &generator) {
      value[index] = Int32.random(in: -5...5, using: &generator)
    }
  }
  mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(Never) {
    value = ShuffleMask((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }
  mutating func register(_ name: String, _ value: inout UInt8) throws(Never) {
    value = UInt8.random(in: 0...63, using: &generator)
  }
  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand) throws(Never) {
    value =
      Bool.random(using: &generator)
      ? .register(UInt8.random(in: 0...63, using: &generator))
      : .immediate(Int32.random(in: Int32.min...Int32.max, using: &generator))
  }
  mutating func flag(_ name: String, _ value: inout Bool) throws(Never) {
    value = Bool.random(using: &generator)
  }
  mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(Never)
  {
    value = Array(Choice.allCases).randomElement(using: &generator)!
  }
}

/// One instruction of every opcode with random operands. Every opcode of the list must be here: a
/// test compares the two.
func randomOperations(seed: UInt64, tensorCount: Int) -> [Operation] {
  var operations: [Operation] = [
    .control(ControlInstruction(.nop)), .control(ControlInstruction(.eventSemaphore)),
    .control(ControlInstruction(clear: 0, count: 1)), .control(ControlInstruction(.drain)),
    .control(ControlInstruction(.notify)), .control(ControlInstruction(.setOrderingMode)),
    .register(.branch(to: 0)), .register(.move(0, from: .immediate(0))),
    .register(.arithmetic(0, 0, .add, .immediate(0))), .tensorLoad(TensorLoad()),
    .loadWeights(LoadWeights()), .matmul(Matmul()), .activate(Activate()),
    .tableLoad(ActivationTableLoad()), .readAccumulator(ActivationReadAccumulator()),
    .copy(Copy()), .tensorTensor(TensorTensor()), .tensorScalar(TensorScalar()),
    .scalarTensorTensor(ScalarTensorTensor()), .tensorReduce(TensorReduce()),
    .reciprocal(Reciprocal()), .scan(TensorTensorScan()), .select(Select()), .memset(Memset()),
    .batchNormStatistics(BatchNormStatistics()), .batchNormAggregate(BatchNormAggregate()),
    .max8(Max8()), .findIndex8(FindIndex8()), .streamTranspose(StreamTranspose()),
    .activate2(Activate2()), .tensorScalarReduce(TensorScalarReduce()),
    .tensorScalarCumulative(TensorScalarCumulative()), .selectReduce(SelectReduce()),
    .rangeSelect(RangeSelect()), .vectorReadAccumulator(VectorReadAccumulator()),
    .copyPredicated(CopyPredicated()), .copyPredicatedScalar(CopyPredicatedScalar()),
    .matchReplace8(MatchReplace8()), .streamShuffle(StreamShuffle()), .dropout(Dropout()),
    .random(RandomBits()), .randomUniform(RandomUniform()), .setRandomState(SetRandomState()),
    .getRandomState(GetRandomState()), .setRandomSeed(SetRandomSeed()),
    .exponential(Exponential()), .quantizeMX(QuantizeMX()), .iota(Iota()),
    .affineSelect(AffineSelect()), .dma(DMADirect()), .dmaIndirect(DMAIndirect()),
    .dmaTranspose(DMATranspose()), .dmaCompute(DMACompute()),
    .dmaGatherTranspose(DMAGatherTranspose()), .partitionReduce(PartitionReduce()),
    .localGather(LocalGather()), .freeGather(FreeGather()), .sequenceBounds(SequenceBounds()),
    .nonzeroWithCount(NonzeroWithCount()), .topK(TopK()), .sendReceive(SendReceive()),
    .coreBarrier(CoreBarrier()), .collective(Collective()), .tensorStore(TensorStore()),
    .writeRegister(WriteRegister()), .modifyPoolConfig(ModifyPoolConfig()),
    .loadMaskSelect(LoadMaskSelect()), .activateQuantize(ActivateQuantize()), .pool(Pool()),
    .reduce(Reduce()), .scalarRow(ScalarRow()),
  ]
  for index in operations.indices {
    var random = RandomOperands(seed: seed &+ UInt64(index), tensorCount: tensorCount)
    operations[index].operands(&random)
  }
  return operations
}
