import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing

/// What observers keep: samples agree with the events of the same run, instant by instant.
@Suite struct ObserverTests {
  /// Copies on three engines with waits between them, and loads beside.
  private var program: Program {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "x", sizeBytes: 1 << 20)]
    for step in 0..<40 {
      let turn = UInt32(step)
      bench.add(
        .sync,
        .dma(
          DMADirect(
            .onChip(sbuf(64 + 32 * (step % 7))),
            from: .hbm(
              TensorAccess(
                tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 64 + 32 * (step % 7),
                rowStride: 512)))), update: SemaphoreUpdate(0, .add, 16))
      bench.add(
        .vector, .copy(Copy(sbuf(32 + step, at: 4_096), from: sbuf(32 + step))),
        wait: SemaphoreWait(0, .atLeast, 16 * (turn + 1)), update: SemaphoreUpdate(1))
      bench.add(
        .gpsimd, .copy(Copy(sbuf(16 + step, at: 8_192), from: sbuf(16 + step, at: 4_096))),
        wait: SemaphoreWait(1, .atLeast, turn + 1))
      bench.add(.scalar, .copy(Copy(sbuf(200, at: 16_384), from: sbuf(200, at: 32_768))))
    }
    return bench.program
  }

  private func events() throws -> [[Event]] {
    var model = try CoreModel(
      LoadedProgram(program, device: .trainium2), computes: false, checksHazards: false)
    let tracks = Collected<Event>()
    var recorder = EventRecorder(pool: RecordPool(capacity: 7)) { tracks.add($0, $1.records) }
    _ = try model.run(recording: &recorder, isCancelled: { false })
    recorder.finish()
    return tracks.lists
  }

  private func samples(every interval: Int64, capacity: Int) throws -> [[Sample]] {
    var model = try CoreModel(
      LoadedProgram(program, device: .trainium2), computes: false, checksHazards: false)
    let tracks = Collected<Sample>()
    var sampler = Sampler(
      intervalPicoseconds: interval, pool: RecordPool(capacity: capacity)
    ) { tracks.add($0, $1.records) }
    _ = try model.run(sampling: &sampler, isCancelled: { false })
    sampler.finish()
    return tracks.lists
  }

  /// The state at an instant as the events have it: the first event that ends after it decides, as
  /// running where it has begun, else as waited for.
  private func state(_ events: [Event], at time: Int64, after first: inout Int) -> (UInt32, Bool)? {
    while first < events.count, events[first].start + events[first].duration <= time { first += 1 }
    guard first < events.count else { return nil }
    return (events[first].programCounter, events[first].start <= time)
  }

  @Test(arguments: [(1_000, 16), (37_001, 5), (250_000, 4), (4_000_000, 64)] as [(Int64, Int)])
  func samplesAreWhatTheEventsSay(interval: Int64, capacity: Int) throws {
    let events = try events()
    let samples = try samples(every: interval, capacity: capacity)
    for track in events.indices {
      var time: Int64 = 0
      var first = 0
      for sample in samples[track] {
        #expect(sample.count > 0)
        for _ in 0..<sample.count {
          let expected = state(events[track], at: time, after: &first)
          #expect(expected?.0 == sample.programCounter && expected?.1 == sample.isBusy)
          #expect(sample.isBusy == (sample.cause == .none))
          time += interval
        }
      }
      #expect(state(events[track], at: time, after: &first) == nil, "samples to the last event")
    }
  }

  @Test func blocksOfAnySizeHoldTheSame() throws {
    let small = try samples(every: 5_000, capacity: 3)
    let large = try samples(every: 5_000, capacity: 10_000)
    #expect(small == large)
  }

  @Test func poolsGiveBlocksAgain() {
    let pool = RecordPool<Sample>(capacity: 4)
    let block = pool.take()
    pool.give(block)
    #expect(pool.take() === block)
    #expect(pool.take() !== block)
  }
}

/// Records by track.
private final class Collected<Record> {
  var lists: [[Record]] = Array(repeating: [], count: EventRecorder.trackCount)
  func add(_ track: Int, _ records: [Record]) { lists[track] += records }
}
