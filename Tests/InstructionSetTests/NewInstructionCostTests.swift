import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import Units

/// What the instructions added to the core's first ones cost, against the published laws.
@Suite struct NewInstructionCostTests {
  private func cost(_ operation: Operation, _ engine: Engine = .vector, _ generation: Int = 3)
    -> Cost
  {
    operation.cost(on: device(generation), engine: engine)
  }

  private static let row = sbuf(.float32, 512)
  private static let low = psum(.float32, 512)
  private static let narrow = sbuf(.uint8, 512)
  private static let column = sbuf(.float32, 1)

  /// Instructions of 512 elements, and cycles that they stream on Trainium2.
  static let streams: [(Operation, Int64)] = [
    (.tensorScalarReduce(TensorScalarReduce(row, row, .add, .immediate(1), reduction: .max)), 512),
    (.tensorScalarCumulative(TensorScalarCumulative(row, row, .add, 1, .add)), 512),
    (
      .selectReduce(
        SelectReduce(row, predicate: narrow, onTrue: row, onFalse: .immediate(0))), 512
    ),
    (.rangeSelect(RangeSelect(row, row, .greaterEqual, column, .lessThan, column)), 512),
    (.vectorReadAccumulator(VectorReadAccumulator(column)), 64),
    (.copyPredicated(CopyPredicated(row, from: low, predicate: narrow)), 512),
    (.matchReplace8(MatchReplace8(row, row, values: sbuf(.float32, 8), replacement: 0)), 512),
    (.streamShuffle(StreamShuffle(row, row, mask: ShuffleMask())), 512),
    (.dropout(Dropout(row, row, probability: .immediate(0.5))), 512),
    (.random(RandomBits(sbuf(.uint32, 512))), 512),
    (.setRandomSeed(SetRandomSeed(sbuf(.uint32, 1, partitions: 0..<1))), 1),
    (.tensorReduce(TensorReduce(sbuf(.int32, 1), sbuf(.int32, 512), .bitwiseOr)), 512),
    (
      .scan(TensorTensorScan(row, row, row, initial: .immediate(0), .add, .add, reverse0: true)),
      1024
    ),
  ]

  @Test(arguments: streams.indices)
  func elementsPerCycle(_ index: Int) {
    let (operation, cycles) = Self.streams[index]
    #expect(cost(operation).streamTenths == cycles * 10, "\(operation.opcode.name)")
  }

  /// Measured times: start-up and time per element, in nanoseconds.
  @Test func measuredLaws() {
    for count in [64, 512, 2048] {
      let (row, predicate) = (sbuf(.bfloat16, count), sbuf(.uint8, count, byte: 8192))
      let shuffle = cost(.streamShuffle(StreamShuffle(row, row, mask: ShuffleMask())))
      let expected = 142.85 + 1.046 * Double(count)
      #expect((shuffle.coldDuration.nanoseconds / expected - 1).magnitude < 0.006)
      let copy = cost(.copyPredicatedScalar(CopyPredicatedScalar(row, 0, predicate: predicate)))
      let law = 155.5 + 1.109 * Double(count)
      #expect((copy.coldDuration.nanoseconds / law - 1).magnitude < 0.006)
    }
  }

  /// Documented: N cycles and 144 for the searches, max(64, N) + 64 for a reduction that is read.
  @Test(arguments: [8, 100, 16_384])
  func searches(_ count: Int) {
    let row = sbuf(.bfloat16, count)
    let replace = cost(
      .matchReplace8(MatchReplace8(row, row, values: sbuf(.float32, 8), replacement: 0)))
    let clock = Device.trainium2.clocks.vector.value
    #expect(replace.coldDuration == clock.picoseconds(cycles: Int64(count + 144)))
  }

  @Test func readingTheRegistersTakesSixtyFourCycles() {
    let clock = Device.trainium1.clocks.vector.value
    for generation in [2, 3, 4] {
      let read = cost(
        .vectorReadAccumulator(VectorReadAccumulator(Self.column)), .vector, generation)
      #expect(read.streamTenths == 640)
    }
    let reduce = cost(
      .tensorScalarReduce(
        TensorScalarReduce(Self.row, Self.row, .add, .immediate(1), reduction: .add)), .vector, 2)
    #expect(reduce.streamTime == clock.picoseconds(cycles: 512))
  }

  /// Trainium3: four elements per cycle.
  @Test func theFourTimesModes() {
    let row = sbuf(.bfloat16, 512)
    for (operation, engine) in [
      (Operation.exponential(Exponential(row, row)), Engine.vector),
      (
        .quantizeMX(
          QuantizeMX(sbuf(.float8e4m3fnx4, 128), row, scales: sbuf(.uint8, 128))), .vector
      ),
      (.random(RandomBits(sbuf(.uint32, 512))), .vector),
      (
        .randomUniform(
          RandomUniform(sbuf(.float32, 512), minimum: .immediate(0), maximum: .immediate(1))),
        .vector
      ),
    ] {
      #expect(cost(operation, engine, 4).streamTenths == 1280, "\(operation.opcode.name)")
    }
    let states = cost(.setRandomState(SetRandomState(sbuf(.uint32, 24))), .vector, 4)
    #expect(states.streamTenths == 240)
    let words = cost(.getRandomState(GetRandomState(sbuf(.uint32, 6))), .gpsimd)
    #expect(words.streamTenths == 60)
    #expect(cost(.random(RandomBits(sbuf(.uint32, 512))), .gpsimd).streamTenths == 20_480)
  }

  /// Documented: max(600, N) cycles from one to the next when a register gives the address.
  @Test(arguments: [(128, 600), (512, 600), (4096, 4096)])
  func dynamicCopies(_ count: Int, _ cycles: Int64) {
    for side in [NkiTensorCopyDynamic.Side.source, .destination] {
      var operations: [Operation] = []
      NkiTensorCopyDynamic(
        Copy(sbuf(.float32, count), from: psum(.float32, count)), moving: side, register: 3
      ).expand(into: &operations)
      let copy = cost(operations[0])
      let clock = Device.trainium2.clocks.vector.value
      #expect(copy.intervalAfterWarm >= clock.picoseconds(cycles: cycles))
      #expect(copy.intervalAfterWarm <= clock.picoseconds(cycles: cycles + 75))
    }
  }

  @Test func scalarEngine() {
    let row = sbuf(.float32, 512)
    let two = cost(.activate2(Activate2(row, .exp, row)), .scalar, 4)
    let one = cost(.activate(Activate(row, .exp, row)), .scalar, 4)
    #expect(two == one)
    let half = sbuf(.bfloat16, 512)
    #expect(cost(.activate2(Activate2(half, .exp, half)), .scalar, 4).streamTenths == 2560)
    let scaling = cost(
      .tensorScalar(TensorScalar(row, row, .multiply, .immediate(2), .add, .immediate(1))), .scalar)
    #expect(scaling == cost(.copy(Copy(row, from: row)), .scalar))
  }

  private func product(_ format: NumberFormat, transpose: Bool = false, oneZero: Bool = false)
    -> Operation
  {
    var matmul = Matmul(
      psum(.float32, 512), sbuf(format, 512), columns: 128, accumulate: false,
      isTranspose: transpose)
    matmul.isOneZero = oneZero
    return .matmul(matmul)
  }

  /// Cycles of a stream of 512 columns: N, twice that for a pass of fp32, four times for an fp32
  /// transpose where that is an ordinary product, half of N where transposes run in the background.
  @Test func tensorEngineModes() {
    for (operation, generation, cycles) in [
      (product(.bfloat16), 3, 512), (product(.float32), 3, 1024),
      (product(.float32, oneZero: true), 3, 1024), (product(.float32, transpose: true), 3, 1024),
      (product(.float32, transpose: true), 2, 2048), (product(.bfloat16, transpose: true), 2, 512),
      (product(.bfloat16, transpose: true), 4, 256), (product(.float8e4m3fnx4), 4, 512),
    ] as [(Operation, Int, Int64)] {
      #expect(cost(operation, .tensor, generation).streamTenths == cycles * 10)
    }
    // Both passes of fp32 against the one of a product with ones and zeros: half.
    let weights = sbuf(.float8e4m3fnx4, 128)
    #expect(cost(.loadWeights(LoadWeights(weights)), .tensor, 4).loadCycles == 32)
  }

  /// What programs hold in memory and copy: an instruction is as large as the largest, which is
  /// still one of the first.
  @Test func instructionsStaySmall() {
    let largest = max(MemoryLayout<DMAIndirect>.size, MemoryLayout<TensorScalar>.size)
    for size in [
      MemoryLayout<LoadWeights>.size, MemoryLayout<Matmul>.size, MemoryLayout<Activate>.size,
      MemoryLayout<Activate2>.size, MemoryLayout<TensorScalarReduce>.size,
      MemoryLayout<SelectReduce>.size, MemoryLayout<RangeSelect>.size,
      MemoryLayout<MatchReplace8>.size, MemoryLayout<Exponential>.size,
      MemoryLayout<StreamShuffle>.size, MemoryLayout<QuantizeMX>.size,
    ] {
      #expect(size <= largest)
    }
    #expect(MemoryLayout<Operation>.size <= largest + 2)
  }
}
