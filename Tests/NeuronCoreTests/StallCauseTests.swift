import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing
import Units

/// What a wait is said to be for: whoever posted the update that ended it.
@Suite struct StallCauseTests {
  /// One semaphore, raised by a transfer first, cleared, and raised by an engine later: what it was
  /// once used for says nothing of the second wait.
  @Test func theUpdateThatEndsAWaitSaysWhatItWasFor() throws {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    let load = DMADirect(
      .onChip(sbuf(512)),
      from: .hbm(
        .init(tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 512, rowStride: 512)))
    let copy = Operation.copy(Copy(sbuf(512, at: 8_192), from: sbuf(512, at: 16_384)))
    let control = Operation.control(ControlInstruction(.eventSemaphore))
    let engines = UInt32(try engineCount(load))
    bench.add(.sync, .dma(load), update: SemaphoreUpdate(5, .add, engines))
    bench.add(
      .gpsimd, control, wait: SemaphoreWait(5, .atLeast, engines),
      update: SemaphoreUpdate(5, .write, 0))
    bench.add(.gpsimd, control, update: SemaphoreUpdate(6))
    bench.add(.scalar, copy, wait: SemaphoreWait(6, .atLeast, 1))
    for _ in 0..<8 { bench.add(.scalar, copy) }
    bench.add(.scalar, copy, update: SemaphoreUpdate(5, .add, 1))
    bench.add(.vector, control, wait: SemaphoreWait(6, .atLeast, 1))
    bench.add(.vector, copy, wait: SemaphoreWait(5, .atLeast, 1))
    let totals = try bench.run().totals
    func stalled(_ engine: Engine, _ cause: StallCause) -> Int64 {
      totals.stalls[Int(engine.rawValue)][Int(cause.rawValue)].value
    }
    #expect(stalled(.gpsimd, .dma) > 0 && stalled(.gpsimd, .semaphore) == 0)
    #expect(stalled(.vector, .semaphore) > 0 && stalled(.vector, .dma) == 0)
  }

  private func engineCount(_ load: DMADirect) throws -> Int {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    bench.add(.sync, .dma(load))
    let loaded = try LoadedProgram(bench.program, device: .trainium2)
    return Int(try #require(loaded.transferShape(at: 0)).engines)
  }
}
