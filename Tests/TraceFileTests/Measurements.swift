import Foundation
import Testing
import TraceFile
import Units

/// Rates of writing and reading: a small count in the gate, ten million events when
/// TRNBENCH_MEASURE is set. Only counts are asserted; rates are printed, per processor second of
/// the writing thread and of the reading one, the best of three, since others use the machine.
@Suite(.serialized) struct Measurements {
  private static let isMeasuring = ProcessInfo.processInfo.environment["TRNBENCH_MEASURE"] != nil
  private static let count = isMeasuring ? 10_000_000 : 100_000
  private static let rounds = isMeasuring ? 3 : 1

  /// Bytes and processor seconds of one round.
  private struct Round {
    var size = 0
    var writing = 0.0
    var reading = 0.0
  }

  @Test(arguments: [0, 5, 30, 90], [false, true])
  func writeAndRead(jitterPercent: Int, variesDurations: Bool) throws {
    var events = Events.loop(count: Self.count, body: 480, jitterPercent: jitterPercent)
    if variesDurations { Events.vary(&events, percent: jitterPercent) }
    let rounds = try (0..<Self.rounds).map { _ in
      try round(
        { writer, range in try writer.append(track: .tensor, events: Array(events[range])) },
        tracks: [.tensor], durations: events.map(\.duration.value))
    }
    report("jitter \(jitterPercent) %, durations too \(variesDurations)", rounds, Self.count)
  }

  /// Transfers of sixteen engines: a sixteenth as many, as many records.
  @Test(arguments: [0, 30])
  func writeAndReadTransfers(jitterPercent: Int) throws {
    let count = Self.count / 16
    let transfers = Events.loop(count: count, body: 60, jitterPercent: jitterPercent).map {
      TraceTransfer($0, engines: 0xFFFF)
    }
    let rounds = try (0..<Self.rounds).map { _ in
      try round(
        { writer, range in try writer.append(transfers: Array(transfers[range])) },
        tracks: TrackID.dmaEngines, durations: transfers.map(\.record.duration.value))
    }
    report("transfers, jitter \(jitterPercent) %", rounds, 16 * count)
  }

  private func round(
    _ append: (inout TraceWriter, Range<Int>) throws -> Void, tracks: [TrackID],
    durations: [Int64]
  ) throws -> Round {
    let folder = try TemporaryFolder()
    let path = folder.file("rate.trntrace")
    var round = Round()
    let before = ProcessorTime.now()
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    _ = try writer.append(program: Events.rows(480))
    for start in stride(from: 0, to: durations.count, by: 16_384) {
      try append(&writer, start..<min(start + 16_384, durations.count))
    }
    try writer.finish()
    let after = ProcessorTime.now()
    round.writing = after.process - before.process - (after.thread - before.thread)
    var busy: Int64 = 0
    let reader = try TraceReader(path: path)
    let start = ProcessorTime.now()
    for track in tracks {
      #expect(
        try reader.readEvents(track: track) { batch in
          for event in batch { busy &+= event.duration.value }
        }.isEmpty)
    }
    round.reading = ProcessorTime.now().thread - start.thread
    #expect(busy == Int64(tracks.count) * durations.reduce(0, +))
    round.size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    #expect(round.size < 5 * durations.count + 20_000)
    return round
  }

  private func report(_ what: String, _ rounds: [Round], _ count: Int) {
    guard Self.isMeasuring else { return }
    let million = Double(count) / 1e6
    let writing = million / (rounds.map(\.writing).min() ?? 1)
    let reading = million / (rounds.map(\.reading).min() ?? 1)
    print(
      String(
        format: "  write %6.1f M/s, read %6.1f M/s, %.3f B/event: ", writing, reading,
        Double(rounds[0].size) / Double(count)) + what)
  }
}

/// Processor seconds, which do not grow while others use the machine.
struct ProcessorTime {
  var process: Double
  var thread: Double

  static func now() -> ProcessorTime {
    ProcessorTime(
      process: seconds(CLOCK_PROCESS_CPUTIME_ID), thread: seconds(CLOCK_THREAD_CPUTIME_ID))
  }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
