import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import Units

/// The cost laws against profiler captures and documented counts; tolerances are the captures'.
@Suite struct CostTests {
  private static let device = Device.trainium2

  private func cost(_ operation: Operation, _ engine: Engine) -> Cost {
    operation.cost(on: Self.device, engine: engine)
  }

  private func nanoseconds(_ time: Picoseconds) -> Double { time.nanoseconds }

  @Test func vectorReductionsFollowTheCaptures() {
    let fromSBUF = cost(
      .tensorReduce(TensorReduce(sbuf(.float32, 1), sbuf(.float32, 512), .max)), .vector)
    // 658.3, 648.3, 569 and 579 cycles of 3125/3 ps, each rounded once.
    #expect(fromSBUF.coldDuration == Picoseconds(685_729))
    #expect(fromSBUF.warmDuration == Picoseconds(675_313))
    #expect(fromSBUF.intervalAfterWarm == Picoseconds(592_708))
    #expect(fromSBUF.intervalAfterCold == Picoseconds(603_125))
    #expect(fromSBUF.streamTenths == 5120)
    #expect(fromSBUF.streamTime == Picoseconds(533_333))
    let fromPSUM = cost(
      .tensorReduce(TensorReduce(sbuf(.float32, 1), psum(.float32, 512), .add)), .vector)
    #expect((689...691).contains(nanoseconds(fromPSUM.coldDuration)))
    #expect((678...684).contains(nanoseconds(fromPSUM.warmDuration)))
    #expect((597...599).contains(nanoseconds(fromPSUM.intervalAfterWarm)))
    #expect((607...609).contains(nanoseconds(fromPSUM.intervalAfterCold)))
    #expect(fromPSUM.banks == 1)
  }

  @Test func pointersCostAReadOfTheirOwn() {
    let scale = ScalarOperand.pointer(sbuf(.float32, 1, byte: 8192))
    let fromSBUF = cost(
      .tensorScalar(TensorScalar(sbuf(.float32, 512), sbuf(.float32, 512), .multiply, scale)),
      .vector)
    #expect((485...488).contains(nanoseconds(fromSBUF.coldDuration)))
    #expect((479...483).contains(nanoseconds(fromSBUF.warmDuration)))
    #expect((395...397).contains(nanoseconds(fromSBUF.intervalAfterWarm)))
    #expect((401...403).contains(nanoseconds(fromSBUF.intervalAfterCold)))
    let fromPSUM = cost(
      .tensorScalar(TensorScalar(sbuf(.float32, 128), psum(.float32, 128), .multiply, scale)),
      .vector)
    #expect((348...351).contains(nanoseconds(fromPSUM.coldDuration)))
  }

  @Test func reciprocalsTakeSixCycles() {
    let cost = cost(.reciprocal(Reciprocal(sbuf(.float32, 4), sbuf(.float32, 4))), .vector)
    #expect((177...178.5).contains(nanoseconds(cost.coldDuration)))
    #expect(cost.streamTenths == 240)
  }

  /// A copy's formats, memories and strides, and hundredths of a cycle per element.
  @Test(
    arguments: [
      (sbuf(.float32, 1000), sbuf(.float32, 1000), 50),
      (sbuf(.bfloat16, 1000), sbuf(.float32, 1000), 50),
      (sbuf(.bfloat16, 1000), sbuf(.float16, 1000), 25),
      (pattern(.sbuf, .bfloat16, [(1000, 2)]), sbuf(.bfloat16, 1000), 50),
      (sbuf(.float32, 1000), sbuf(.bfloat16, 1000), 77),
      (sbuf(.int32, 1000), sbuf(.float32, 1000), 51),
      (sbuf(.uint8, 1000), sbuf(.float32, 1000), 55),
      (sbuf(.int32, 1000), sbuf(.int32, 1000), 64),
      (sbuf(.float32, 1000), sbuf(.uint8, 1000), 50),
      (sbuf(.uint8, 1000), sbuf(.float8e4m3, 1000), 50),
      (sbuf(.float32, 1000), psum(.float32, 1000), 100),
      (psum(.bfloat16, 1000), sbuf(.bfloat16, 1000), 50),
    ])
  func copiesRunInTheirMode(_ destination: AccessPattern, _ source: AccessPattern, _ rate: Int) {
    let cost = cost(.copy(Copy(destination, from: source)), .vector)
    #expect(cost.streamTenths == Int64(rate) * 100)
    // Without GpSimd's port the stream takes one cycle per element.
    let clock = Device.trainium2.clocks.vector.value
    let lost = clock.picoseconds(tenthsOfCycles: 10_000 - Int64(rate) * 100)
    #expect(cost.sharedPortPenalty == lost)
  }

  @Test func tensorTensorModes() {
    func tenths(_ d: AccessPattern, _ a: AccessPattern, _ b: AccessPattern) -> Int64 {
      cost(.tensorTensor(TensorTensor(d, a, b, .add)), .vector).streamTenths
    }
    #expect(tenths(sbuf(.float32, 512), sbuf(.float32, 512), sbuf(.float32, 512)) == 5120)
    #expect(tenths(sbuf(.bfloat16, 512), sbuf(.bfloat16, 512), sbuf(.bfloat16, 512)) == 2560)
    #expect(tenths(sbuf(.bfloat16, 512), sbuf(.float32, 512), sbuf(.bfloat16, 512)) == 5120)
    #expect(tenths(sbuf(.bfloat16, 512), psum(.bfloat16, 512), sbuf(.bfloat16, 512)) == 5120)
    let law = cost(
      .tensorTensor(
        TensorTensor(sbuf(.float32, 512), sbuf(.float32, 512), sbuf(.float32, 512), .add)),
      .vector)
    #expect((692...694).contains(nanoseconds(law.coldDuration)))
  }

  /// Elements between neighbours of an fp32 row, and how many times longer it streams.
  @Test(arguments: [(1, 10), (2, 10), (3, 15), (4, 20), (8, 20), (0, 10), (-4, 20)])
  func stridesOfSixteenBytesHalveTheRate(_ stride: Int, _ tenthsPerElement: Int) {
    let byte = stride < 0 ? 16_384 : 0
    let source = pattern(.sbuf, .float32, byte: byte, [(512, stride)])
    let cost = cost(.tensorReduce(TensorReduce(sbuf(.float32, 1), source, .add)), .vector)
    #expect(abs(cost.streamTenths - Int64(tenthsPerElement) * 512) <= 20)
  }

  @Test func joinedDimensionsAreNoStride() {
    let source = pattern(.sbuf, .float32, [(512, 1), (1, 1)])
    let nested = pattern(.sbuf, .float32, [(128, 4), (4, 1)])
    for access in [source, nested] {
      let cost = cost(.tensorReduce(TensorReduce(sbuf(.float32, 1), access, .add)), .vector)
      #expect(cost.streamTenths == 5120)
    }
  }

  @Test func documentedCycleCountsAreVisible() {
    let statistics = cost(
      .batchNormStatistics(BatchNormStatistics(sbuf(.float32, 6), sbuf(.float32, 512))), .vector)
    #expect(statistics.streamTenths == 5120)
    let aggregate = cost(
      .batchNormAggregate(BatchNormAggregate(sbuf(.float32, 2), sbuf(.float32, 24))), .vector)
    #expect(aggregate.streamTenths == 1040)
    let max8 = cost(.max8(Max8(sbuf(.float32, 8), sbuf(.float32, 16_384))), .vector)
    #expect(max8.streamTenths == 163_840)
    #expect(nanoseconds(max8.streamTime) == 17_066.667)
    let scan = cost(
      .scan(
        TensorTensorScan(
          sbuf(.float32, 256), sbuf(.float32, 256), sbuf(.float32, 256), initial: .immediate(0),
          .multiply, .add)), .vector)
    #expect(scan.streamTenths == 5120)
    #expect((690...692).contains(nanoseconds(scan.coldDuration)))
    let seeded = cost(
      .scan(
        TensorTensorScan(
          sbuf(.float32, 256), sbuf(.float32, 256), sbuf(.float32, 256),
          initial: .pointer(sbuf(.float32, 1)), .multiply, .add)), .vector)
    #expect((750...752).contains(nanoseconds(seeded.coldDuration)))
  }

  @Test func gpSimdLaws() {
    let iota = cost(.iota(Iota(sbuf(.int32, 512), steps: [1, 0, 0, 0])), .gpsimd)
    #expect(iota.coldDuration == Picoseconds(551_667))
    #expect(iota.intervalAfterWarm == iota.coldDuration)
    let select = cost(
      .affineSelect(
        AffineSelect(
          sbuf(.float32, 512), sbuf(.float32, 512), comparison: .greaterEqual, start: 0,
          channelMultiplier: 1, steps: [-1, 0, 0, 0], onFalse: 0)), .gpsimd)
    #expect((609...613).contains(nanoseconds(select.coldDuration)))
    let add = cost(
      .tensorTensor(
        TensorTensor(sbuf(.float32, 512), sbuf(.float32, 512), sbuf(.float32, 512), .add)),
      .gpsimd)
    #expect(add.coldDuration == Picoseconds(551_667))
  }

  @Test func memsetsOnBothEngines() {
    for engine in [Engine.vector, .gpsimd] {
      let cost = cost(.memset(Memset(sbuf(.float32, 512), 0)), engine)
      #expect((484...486).contains(nanoseconds(cost.coldDuration)))
    }
  }

  @Test func scalarCopiesFollowTheCaptures() {
    let fromPSUM = cost(.copy(Copy(sbuf(.bfloat16, 512), from: psum(.float32, 512))), .scalar)
    #expect((584...586).contains(nanoseconds(fromPSUM.coldDuration)))
    #expect(fromPSUM.warmDuration == fromPSUM.coldDuration)
    #expect(fromPSUM.intervalAfterCold == Picoseconds(475_000))
    #expect(fromPSUM.intervalAfterWarm == Picoseconds(470_000))
    #expect((486...489).contains(nanoseconds(fromPSUM.completionInterval)))
    let short = cost(.copy(Copy(sbuf(.bfloat16, 128), from: psum(.float32, 128))), .scalar)
    #expect((264...266).contains(nanoseconds(short.coldDuration)))
    let fromSBUF = cost(.copy(Copy(sbuf(.float32, 128), from: sbuf(.float32, 128))), .scalar)
    #expect((198...199).contains(nanoseconds(fromSBUF.intervalAfterWarm)))
    #expect((295...297).contains(nanoseconds(fromSBUF.coldDuration)))
  }

  @Test func activationsFollowTheCaptures() {
    let bias = ScalarOperand.pointer(sbuf(.float32, 1, byte: 8192))
    let fromPSUM = cost(
      .activate(Activate(sbuf(.float32, 512), .exp, psum(.float32, 512), bias: bias)), .scalar)
    #expect((686...687).contains(nanoseconds(fromPSUM.coldDuration)))
    #expect((679...681).contains(nanoseconds(fromPSUM.warmDuration)))
    #expect(fromPSUM.intervalAfterWarm == Picoseconds(570_000))
    #expect(fromPSUM.intervalAfterCold == Picoseconds(585_500))
    #expect((577...581).contains(nanoseconds(fromPSUM.completionInterval)))
    let fromSBUF = cost(
      .activate(Activate(sbuf(.float32, 512), .exp, sbuf(.float32, 512), bias: bias)), .scalar)
    #expect((720...722).contains(nanoseconds(fromSBUF.coldDuration)))
    #expect((705...708).contains(nanoseconds(fromSBUF.warmDuration)))
    #expect(fromSBUF.intervalAfterWarm == Picoseconds(612_500))
    #expect(fromSBUF.intervalAfterCold == Picoseconds(627_500))
    #expect(fromSBUF.completionInterval == Picoseconds(612_500))
    let plain = cost(
      .activate(Activate(sbuf(.float32, 512), .exp, sbuf(.float32, 512))), .scalar)
    #expect(fromSBUF.coldDuration - plain.coldDuration == Picoseconds(91_000))
    let both = cost(
      .activate(Activate(sbuf(.float32, 512), .exp, sbuf(.float32, 512), scale: bias, bias: bias)),
      .scalar)
    #expect(both.coldDuration - fromSBUF.coldDuration == Picoseconds(91_000))
  }

  @Test func scalarRowsWithoutAStream() {
    let table = cost(.tableLoad(ActivationTableLoad(.gelu)), .scalar)
    #expect(table.coldDuration == Picoseconds(1_283_000))
    #expect(table.kind == .stream)
    let read = cost(.readAccumulator(ActivationReadAccumulator(sbuf(.float32, 1))), .scalar)
    #expect(read.coldDuration == Picoseconds(279_000))
    #expect(read.intervalAfterWarm == Picoseconds(185_000))
  }

  @Test func controlRows() {
    let wait = cost(.control(ControlInstruction(.eventSemaphore)), .tensor)
    #expect(wait.coldDuration == Picoseconds(52_000))
    #expect(wait.intervalAfterCold == Picoseconds(77_000))
    let drain = cost(.control(ControlInstruction(.drain)), .scalar)
    #expect(drain.coldDuration == Picoseconds(7_000))
    #expect(drain.intervalAfterCold == Picoseconds(76_000))
    let clear = cost(.control(ControlInstruction(clear: 0, count: 50)), .sync)
    #expect(clear.coldDuration == Picoseconds(99_000))
    #expect(clear.intervalAfterCold == Picoseconds(133_000))
    let notify = cost(.control(ControlInstruction(.notify)), .gpsimd)
    #expect(notify.intervalAfterCold == Picoseconds(59_000))
    let ordering = cost(.control(ControlInstruction(.setOrderingMode)), .tensor)
    #expect(ordering.coldDuration == Picoseconds(44_000))
    #expect(ordering.intervalAfterCold == Picoseconds(118_000))
    for opcode in [Opcode.nop, .notify, .setOrderingMode] {
      for engine in Engine.allCases {
        let cost = cost(.control(ControlInstruction(opcode)), engine)
        #expect(cost.kind == .control && cost.coldDuration > .zero)
        #expect(cost.coldDuration < cost.intervalAfterCold)
      }
    }
    let jump = cost(.register(.branch(to: 0)), .vector)
    let branch = cost(.register(.branch(1, .less, .immediate(4), to: 0)), .vector)
    #expect(jump.coldDuration == Picoseconds(62_500))
    #expect(branch.coldDuration == Picoseconds(181_500))
    #expect(cost(.register(.move(1, from: .immediate(4))), .gpsimd).coldDuration.value == 68_000)
  }

  @Test func aRegisterAddressHoldsTheEngineLonger() {
    var source = sbuf(.float32, 16)
    source.register = 3
    let cost = cost(.copy(Copy(sbuf(.float32, 16), from: source)), .vector)
    #expect(cost.intervalAfterWarm == Picoseconds(625_000))
  }

  /// Doubling the free dimension never makes anything faster.
  @Test func longerRowsNeverTakeLess() {
    for engine in [Engine.vector, .scalar, .gpsimd] {
      var last = Picoseconds.zero
      for columns in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] {
        let cost = cost(
          .copy(Copy(sbuf(.float32, columns), from: sbuf(.float32, columns))), engine)
        #expect(cost.coldDuration >= last)
        #expect(cost.warmDuration <= cost.coldDuration)
        #expect(cost.intervalAfterWarm <= cost.intervalAfterCold)
        last = cost.coldDuration
      }
    }
  }
}
