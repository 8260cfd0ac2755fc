import BenchmarkRunner
import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing

/// What the step loop takes from the host's allocator: the same for a short and for a long program.
/// `thread.allocated` counts bytes of the calling thread, so that other tests do not disturb it.
@Suite struct RunAllocationTests {
  /// Bytes that a run of any length may allocate: the totals that it returns, and queues of the DMA
  /// rings until each has had its most transfers.
  private static let limitBytes: UInt64 = 24 << 10

  /// A tile is loaded, copied and copied again, over and over; every step waits for the one before.
  private func program(steps: Int) -> Program {
    let tile = AccessPattern(
      .sbuf, .float32, partitions: 0..<128, byteOffset: 0, columns: 64)
    let other = AccessPattern(
      .sbuf, .float32, partitions: 0..<128, byteOffset: 1_024, columns: 64)
    let source = DataLocation.hbm(
      TensorAccess(tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 64, rowStride: 64))
    var streams = [[Instruction]](repeating: [], count: Engine.allCases.count)
    for step in 0..<steps {
      let turn = UInt32(step)
      streams[Int(Engine.sync.rawValue)].append(
        Instruction(
          .dma(DMADirect(.onChip(tile), from: source)),
          wait: step == 0 ? .none : SemaphoreWait(2, .atLeast, turn),
          update: SemaphoreUpdate(0, .add, 16)))
      streams[Int(Engine.vector.rawValue)].append(
        Instruction(
          .copy(Copy(other, from: tile)), wait: SemaphoreWait(0, .atLeast, 16 * (turn + 1)),
          update: SemaphoreUpdate(1)))
      streams[Int(Engine.gpsimd.rawValue)].append(
        Instruction(
          .copy(Copy(tile, from: other)), wait: SemaphoreWait(1, .atLeast, turn + 1),
          update: SemaphoreUpdate(2)))
    }
    let segment = Segment(
      name: "steps", streams: streams,
      tensors: [TensorParameter(name: "x", sizeBytes: 128 * 64 * 4)])
    return Program(
      segments: [segment], invocations: [Invocation(segment: 0, tensors: [0])],
      tensors: [
        TensorAllocation(name: "x", address: 0, sizeBytes: 128 * 64 * 4, format: .float32)
      ])
  }

  /// Bytes that a run allocates on this thread, after one run like it.
  private func bytes(
    steps: Int, _ run: (inout CoreModel) throws -> RunTotals
  ) throws -> UInt64 {
    let loaded = try LoadedProgram(program(steps: steps), device: .trainium2)
    var bytes: UInt64 = 0
    for _ in 0..<2 {
      var model = try CoreModel(loaded, computes: false, checksHazards: false)
      let before = try Allocator.bytesAllocatedByThread()
      let totals = try run(&model)
      bytes = try Allocator.bytesAllocatedByThread() - before
      #expect(totals.instructions == 3 * steps)
    }
    return bytes
  }

  private func expectConstant(_ run: (inout CoreModel) throws -> RunTotals) throws {
    let short = try bytes(steps: 50, run)
    let long = try bytes(steps: 5_000, run)
    #expect(long <= short + 1_024, "\(short) bytes, and \(long) for a hundred times the program")
    #expect(long <= Self.limitBytes, "\(long) bytes")
  }

  @Test func aRunAllocatesTheSameForAnyLength() throws {
    try expectConstant { try $0.run() }
  }

  /// Blocks come from a pool and go back to it.
  @Test func recordingEventsAllocatesTheSameForAnyLength() throws {
    let pool = RecordPool<EventRecord>(capacity: 64, reserve: 16)
    for extent in [EventRecorder.Extent.everything, .samples(intervalPicoseconds: 1_000)] {
      try expectConstant { model in
        var recorder = EventRecorder(extent, pool: pool) { _, block in
          pool.give(block)
        }
        let totals = try model.run(recording: &recorder, isCancelled: { false })
        recorder.finish()
        return totals
      }
    }
  }
}
