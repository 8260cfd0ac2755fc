import Foundation
import Testing
import TraceFile
import Units

/// Rates of writing and reading: a small count in the gate, ten million events when
/// TRNBENCH_MEASURE is set. Only counts are asserted; seconds are printed.
@Suite(.serialized) struct Measurements {
  private static let isMeasuring = ProcessInfo.processInfo.environment["TRNBENCH_MEASURE"] != nil
  private static let count = isMeasuring ? 10_000_000 : 100_000

  @Test(arguments: [5, 30, 90], [false, true])
  func writeAndRead(jitterPercent: Int, variesDurations: Bool) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("rate.trntrace")
    let part = 16_384
    var events = Events.loop(count: Self.count, body: 480, jitterPercent: jitterPercent)
    if variesDurations { Events.vary(&events, percent: jitterPercent) }
    let clock = ContinuousClock()
    var handOver = Duration.zero
    let rows = Events.rows(480)
    let total = try clock.measure {
      var writer = try TraceWriter(path: path, metadata: TraceMetadata())
      _ = try writer.append(program: rows)
      for start in stride(from: 0, to: events.count, by: part) {
        var buffer = writer.takeBuffer()
        buffer.reserveCapacity(part)
        handOver += clock.measure {
          for index in start..<min(start + part, events.count) { buffer.append(events[index]) }
        }
        try writer.append(track: .tensor, events: buffer)
      }
      try writer.finish()
    }
    var busy: Int64 = 0
    let reader = try TraceReader(path: path)
    let reading = try clock.measure {
      _ = try reader.readEvents(track: .tensor) { batch in
        for event in batch.events { busy &+= event.duration.value }
      }
    }
    #expect(busy == events.reduce(0) { $0 + $1.duration.value })
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    #expect(size < 4 * Self.count + 10_000)
    guard Self.isMeasuring else { return }
    let million = Double(Self.count) / 1e6
    print(
      "jitter \(jitterPercent) %, durations too \(variesDurations): \(Double(size) / Double(Self.count)) B/event,"
    )
    print("  write \(million / total.seconds) M/s, append \(handOver.seconds * 1e3 / million) ns,")
    print("  read \(million / reading.seconds) M/s")
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
