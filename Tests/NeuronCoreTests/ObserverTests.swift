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
    var recorder = EventRecorder(pool: RecordPool(capacity: 7)) {
      tracks.add($0, Array($1.events))
    }
    _ = try model.run(recording: &recorder, isCancelled: { false })
    recorder.finish()
    return tracks.lists
  }

  private func samples(every interval: Int64, capacity: Int) throws -> [[Sample]] {
    var model = try CoreModel(
      LoadedProgram(program, device: .trainium2), computes: false, checksHazards: false)
    let tracks = Collected<Sample>()
    var sampler = Sampler(intervalPicoseconds: interval)
    try withoutActuallyEscaping({ (track: Int, block: RecordBlock<EventRecord>) in
      var samples: [Sample] = []
      sampler.sample(block, track: track, into: &samples)
      tracks.add(track, samples)
    }) { sink in
      var recorder = EventRecorder(
        .samples(intervalPicoseconds: interval), pool: RecordPool(capacity: capacity),
        sink: sink)
      _ = try model.run(recording: &recorder, isCancelled: { false })
      recorder.finish()
    }
    return tracks.lists
  }

  /// The state at an instant as the events have it: the first event that ends after it decides, as
  /// running where it has begun, as waited for within its wait, else as nothing.
  private func state(
    _ events: [Event], at time: Int64, after first: inout Int
  ) -> (UInt32, Bool, StallCause)? {
    while first < events.count, events[first].start + events[first].duration <= time { first += 1 }
    guard first < events.count else { return nil }
    let event = events[first]
    let isWaiting = time < event.start && time >= event.start - event.wait
    return (event.programCounter, event.start <= time, isWaiting ? event.cause : .none)
  }

  @Test(arguments: [(1_000, 16), (37_001, 5), (250_000, 4), (4_000_000, 64)] as [(Int64, Int)])
  func samplesAreWhatTheEventsSay(interval: Int64, capacity: Int) throws {
    let events = try events()
    let samples = try samples(every: interval, capacity: capacity)
    for track in events.indices {
      guard track != EventRecorder.dmaTrack else {
        expectTransfers(samples[track], toBeIn: events[track], interval)
        continue
      }
      var number: Int64 = 0
      var first = 0
      for sample in samples[track] {
        #expect(sample.count > 0)
        for _ in 0..<sample.count {
          let time = SampleInstants.time(number, interval: interval)
          #expect(time / interval == number)
          let expected = state(events[track], at: time, after: &first)
          #expect(expected?.0 == sample.programCounter && expected?.1 == sample.isBusy)
          #expect(expected?.2 == sample.cause)
          number += 1
        }
      }
      let next = SampleInstants.time(number, interval: interval)
      #expect(state(events[track], at: next, after: &first) == nil, "samples to the last event")
    }
  }

  /// Samples of transfers are busy where some transfer moves data and idle elsewhere.
  private func expectTransfers(_ samples: [Sample], toBeIn events: [Event], _ interval: Int64) {
    var number: Int64 = 0
    for sample in samples {
      for _ in 0..<sample.count {
        let time = SampleInstants.time(number, interval: interval)
        let under = events.filter { $0.start <= time && time < $0.start + $0.duration }
        #expect(sample.isBusy == !under.isEmpty && sample.cause == .none)
        #expect(!sample.isBusy || under.contains { $0.programCounter == sample.programCounter })
        #expect(sample.isBusy ? 1...16 ~= sample.engines : sample.engines == 0)
        number += 1
      }
    }
  }

  @Test func blocksOfAnySizeHoldTheSame() throws {
    let small = try samples(every: 5_000, capacity: 4)
    let large = try samples(every: 5_000, capacity: 10_000)
    #expect(small == large)
  }

  /// A kernel that is invoked three times, with a loop on one engine and nothing on another.
  private var repeated: Program {
    var bench = TestBench()
    bench.add(.vector, .register(.move(0, from: .immediate(0))))
    bench.add(.vector, .copy(Copy(sbuf(32, at: 4_096), from: sbuf(32))))
    bench.add(.vector, .register(.arithmetic(0, 0, .add, .immediate(1))))
    bench.add(.vector, .register(.branch(0, .less, .immediate(9), to: 1)))
    for _ in 0..<30 {
      bench.add(.scalar, .copy(Copy(sbuf(64, at: 16_384), from: sbuf(64, at: 32_768))))
    }
    bench.add(.gpsimd, .copy(Copy(sbuf(16, at: 8_192), from: sbuf(16, at: 40_960))))
    var program = bench.program
    program.invocations = Array(repeating: program.invocations[0], count: 3)
    return program
  }

  /// Few events are written down for samples, among them the first of each kernel; the steps tell
  /// how often every row ran all the same.
  @Test(arguments: [4, 7, 1_000]) func stepsTellWhatRan(capacity: Int) throws {
    func record(_ extent: EventRecorder.Extent) throws -> (Collected<Event>, [Int]) {
      var model = try CoreModel(
        LoadedProgram(repeated, device: .trainium2), computes: false, checksHazards: false)
      let tracks = Collected<Event>()
      var changes = [Int](repeating: 0, count: repeated.segments[0].instructions.count + 1)
      try withoutActuallyEscaping({ (track: Int, block: RecordBlock<EventRecord>) in
        tracks.add(track, Array(block.events))
        for step in block.steps {
          changes[Int(step.target)] += 1
          changes[Int(step.end)] -= 1
        }
      }) { sink in
        var recorder = EventRecorder(extent, pool: RecordPool(capacity: capacity), sink: sink)
        _ = try model.run(recording: &recorder, isCancelled: { false })
        recorder.finish()
      }
      for row in changes.indices.dropFirst() { changes[row] += changes[row - 1] }
      return (tracks, changes)
    }
    let (events, _) = try record(.everything)
    let (kept, runs) = try record(.samples(intervalPicoseconds: 20_000_000))
    var counts = [Int](repeating: 0, count: runs.count)
    for event in events.lists.joined() { counts[Int(event.programCounter)] += 1 }
    #expect(runs == counts && counts.max() == 3 * 9)
    for (track, all) in events.lists.enumerated() where !all.isEmpty {
      #expect(all.count(where: \.isFirst) == 3 && kept.lists[track].count < max(8, all.count / 4))
      let first = kept.lists[track].filter(\.isFirst).map(\.start)
      #expect(first == all.filter(\.isFirst).map(\.start))
    }
  }

  /// Instants meet every part of a period that divides the interval, as often as draws would.
  @Test(arguments: [1, 2, 7] as [Int64])
  func instantsMeetAllOfAPeriod(periods: Int64) {
    let interval: Int64 = 1_000_000
    let period = interval / periods
    var hits = [Int](repeating: 0, count: 10)
    for number in 0..<100_000 as Range<Int64> {
      let time = SampleInstants.time(number, interval: interval)
      hits[Int(time % period * 10 / period) % 10] += 1
    }
    // Four standard deviations of a tenth of so many draws.
    #expect(hits.allSatisfy { abs($0 - 10_000) < 380 }, "\(hits)")
  }

  /// Long times and what only few events have survive the sixteen bytes of a record, in blocks that
  /// end anywhere.
  @Test func recordsKeepAllOfAnEvent() throws {
    let tracks = Collected<Event>()
    var recorder = EventRecorder(pool: RecordPool(capacity: 5)) { tracks.add($0, Array($1.events)) }
    let first = try #require(events().joined().first)
    var expected: [Event] = []
    let durations: [Int64] = [0, 1, 1 << 31 - 1, 1 << 31, 5 << 40 + 3, 1 << 54]
    for (step, duration) in durations.enumerated() {
      for cause in StallCause.allCases {
        var event = first
        event.duration = duration
        event.isFirst = false
        event.start = Int64(step) << 50
        event.wait = cause == .none ? 0 : duration + 7
        event.cause = cause
        event.programCounter = .max - UInt32(step)
        event.ring = cause == .port ? 255 : 0
        event.engines = cause == .dma ? 16 : 0
        expected.append(event)
        recorder.ran(event, on: 3)
      }
    }
    recorder.finish()
    #expect(tracks.lists[3].map { "\($0)" } == expected.map { "\($0)" })
  }

  @Test func poolsGiveBlocksAgain() {
    let pool = RecordPool<EventRecord>(capacity: 4)
    let block = pool.take()
    pool.give(block)
    #expect(pool.take() === block)
    #expect(pool.take() !== block)
  }
}

/// Records by track.
final class Collected<Record> {
  var lists: [[Record]] = Array(repeating: [], count: EventRecorder.trackCount)
  func add(_ track: Int, _ records: [Record]) { lists[track] += records }
}
