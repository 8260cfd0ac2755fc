import BenchmarkRunner
import Testing
import TraceFile
import Units

/// A trace holds transfers in the order in which they began.
@Suite struct EndedTransferTests {
  private func transfer(_ start: Int64, _ duration: Int64) -> TraceTransfer {
    TraceTransfer(
      TraceEvent(
        start: Picoseconds(start), duration: Picoseconds(duration), programCounter: 0),
      engines: 1)
  }

  @Test(arguments: [100, 20_000, 50_000]) func whatEndsLateComesInItsPlace(part: Int) {
    // Every hundredth transfer takes as long as fifty others.
    let begun = (0..<50_000).map { index in
      transfer(Int64(index) * 10, index % 100 == 0 ? 505 : 10)
    }
    let ended = begun.sorted { $0.record.end < $1.record.end }
    #expect(ended != begun)
    var transfers = EndedTransfers()
    var taken: [TraceTransfer] = []
    for start in stride(from: 0, to: ended.count, by: part) {
      taken += transfers.takeOrdered(
        adding: Array(ended[start..<min(ended.count, start + part)]))
    }
    #expect(taken.count >= begun.count - 16_384)
    #expect(taken + transfers.takeAll() == begun)
    #expect(transfers.takeAll().isEmpty)
  }
}
