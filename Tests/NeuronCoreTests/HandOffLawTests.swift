import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Units
import Testing

/// Section 2 of the captured laws: from one engine's completion to another's start.
@Suite struct HandOffLawTests {
  /// A producer on one engine, a consumer on another that waits for it.
  private func pair(
    _ producer: Engine, _ first: [Operation], _ consumer: Engine, _ second: Operation
  ) throws -> Double {
    var bench = TestBench()
    for operation in first.dropLast() { bench.add(producer, operation) }
    bench.add(producer, first.last!, update: SemaphoreUpdate(0))
    bench.add(consumer, second, wait: SemaphoreWait(0, .atLeast, 1))
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    let timeline = try bench.run()
    let produced = timeline.rows[producer]!.first { $0.opcode == first.last!.opcode }!
    let consumed = timeline.rows[consumer]!.last!
    return consumed.start - produced.end
  }

  private let matmul: [Operation] = [
    .loadWeights(LoadWeights(sbuf(128, .bfloat16))),
    .matmul(Matmul(psum(512), sbuf(512, .bfloat16, at: 4_096), columns: 128, accumulate: false)),
  ]
  private let vectorCopy = Operation.copy(Copy(sbuf(512, at: 8_192), from: sbuf(512, at: 16_384)))
  private let scalarCopy = Operation.copy(Copy(sbuf(512, at: 20_480), from: psum(512)))
  private let control = Operation.control(ControlInstruction(.eventSemaphore))
  private let load = Operation.loadWeights(LoadWeights(sbuf(128, .bfloat16)))
  private let trigger = Operation.dma(
    DMADirect(
      .hbm(.init(tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 128, rowStride: 128)),
      from: .onChip(sbuf(128))))

  @Test func pairs() throws {
    expectLaws([
      LawRow(
        name: "PE->ACT", observed: 36...38,
        modelled: try pair(.tensor, matmul, .scalar, scalarCopy)),
      LawRow(
        name: "PE->DVE", observed: 37...40,
        modelled: try pair(.tensor, matmul, .vector, vectorCopy)),
      LawRow(
        name: "ACT->PE (LDWEIGHTS)", observed: 51...53,
        modelled: try pair(.scalar, [scalarCopy], .tensor, load)),
      LawRow(
        name: "ACT->DVE", observed: 33...34,
        modelled: try pair(.scalar, [scalarCopy], .vector, vectorCopy)),
      LawRow(
        name: "DVE->ACT compute", observed: 34...34,
        modelled: try pair(.vector, [vectorCopy], .scalar, scalarCopy)),
      LawRow(
        name: "DVE->ACT EVENT_SEMAPHORE", observed: 32...32,
        modelled: try pair(.vector, [vectorCopy], .scalar, control)),
      LawRow(
        name: "DVE->ACT DMA trigger", observed: 32...32,
        modelled: try pair(.vector, [vectorCopy], .scalar, trigger)),
      LawRow(
        name: "DVE->GpSimd EVENT_SEMAPHORE", observed: 34...36,
        modelled: try pair(.vector, [vectorCopy], .gpsimd, control)),
      LawRow(
        name: "DVE->GpSimd software-DGE row", observed: 1_192...1_204,
        modelled: try pair(.vector, [vectorCopy], .gpsimd, trigger)),
      LawRow(
        name: "ACT->GpSimd software-DGE row", observed: 1_192...1_204,
        modelled: try pair(.scalar, [scalarCopy], .gpsimd, trigger)),
    ])
  }

  @Test func ownSemaphore() throws {
    var bench = TestBench()
    bench.add(.vector, vectorCopy, update: SemaphoreUpdate(0))
    bench.add(.vector, vectorCopy, wait: SemaphoreWait(0, .atLeast, 1))
    bench.add(.vector, vectorCopy, update: SemaphoreUpdate(1))
    bench.add(.vector, control, wait: SemaphoreWait(1, .atLeast, 1))
    let rows = try bench.run().rows[.vector]!
    expectLaws([
      LawRow(
        name: "DVE->DVE by own semaphore", observed: 34...36,
        modelled: rows[1].start - rows[0].end),
      LawRow(
        name: "DVE->DVE EVENT_SEMAPHORE row", observed: 38...39,
        modelled: rows[3].start - rows[2].end),
    ])
  }

  /// From the increment of the last DMA engine to a row on each engine that waits for all sixteen.
  @Test func transfers() throws {
    let consumers: [(Engine, Operation, ClosedRange<Double>)] = [
      (.tensor, control, 28...28), (.vector, vectorCopy, 23...24), (.sync, trigger, 16...17),
      (.gpsimd, .control(ControlInstruction(.nop)), 23...23),
    ]
    for (engine, operation, observed) in consumers {
      var bench = TestBench()
      bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
      bench.add(.scalar, trigger, update: SemaphoreUpdate(0, .add, 16))
      bench.add(engine, operation, wait: SemaphoreWait(0, .atLeast, 16))
      let timeline = try bench.run()
      let device = Device.trainium2.dma
      let visible =
        timeline.transfers[0].end + device.notifyHardwareStore.value.nanoseconds
        + device.skew.value.map(\.nanoseconds).max()!
      expectLaws([
        LawRow(
          name: "DMA->\(engine.name)", observed: observed,
          modelled: timeline.rows[engine]![0].start - visible)
      ])
    }
  }
}
