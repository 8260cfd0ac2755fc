import CoreState
import Foundation
import Hardware
import InstructionSet
import NeuronCore
import Testing

/// What an event costs the thread that runs the model: a small count in the gate, a hundred million
/// when TRNBENCH_MEASURE is set. That nothing is allocated is `RunAllocationTests`'.
@Suite(.serialized) struct Measurements {
  private static let isMeasuring = ProcessInfo.processInfo.environment["TRNBENCH_MEASURE"] != nil
  private static let count = isMeasuring ? 100_000_000 : 200_000

  /// An event of a small program, to be recorded again and again.
  private func event() throws -> Event {
    var bench = TestBench()
    bench.add(.vector, .copy(Copy(sbuf(32, at: 4_096), from: sbuf(32))))
    var model = try CoreModel(
      LoadedProgram(bench.program, device: .trainium2), computes: false, checksHazards: false)
    let events = Collected<Event>()
    var recorder = EventRecorder(pool: RecordPool(capacity: 7)) {
      events.add($0, Array($1.events))
    }
    _ = try model.run(recording: &recorder, isCancelled: { false })
    recorder.finish()
    return try #require(events.lists.joined().first)
  }

  @Test func recordingAnEvent() throws {
    let pool = RecordPool<EventRecord>(capacity: EventRecorder.blockCapacity, reserve: 8)
    let count = Counter()
    var recorder = EventRecorder(pool: pool) { _, block in
      count.records += block.count
      pool.give(block)
    }
    var event = try event()
    let clock = ContinuousClock()
    var best = Duration.seconds(1_000)
    for _ in 0..<3 {
      count.records = 0
      let taken = clock.measure {
        for index in 0..<Self.count {
          event.start &+= 1_000
          recorder.ran(event, on: index & 3)
        }
        recorder.finish()
      }
      best = min(best, taken)
      #expect(count.records == Self.count)
    }
    guard Self.isMeasuring else { return }
    let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) / 1e18
    let nanoseconds = seconds * 1e9 / Double(Self.count)
    print(String(format: "  an event on the modelling thread: %.2f ns", nanoseconds))
  }
}

/// Records that were handed over; a class because the sink outlives a call.
private final class Counter {
  var records = 0
}
