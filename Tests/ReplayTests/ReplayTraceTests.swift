import Foundation
import Hardware
import ProfileImport
import Replay
import Testing
import TraceAnalysis
import TraceFile
import Units

/// The two traces of a replay against what replay itself says.
struct ReplayTraceTests {
  /// Comes before the first trigger and updates a semaphore that the last row waits for.
  private static let before = ReplayTests.row(
    "GpSimd", "NOP", "S[7] (GpSimd)++@complete", at: 700, for: 60, pc: 0)
  /// A store that is triggered while the last instruction runs, and moves data after it.
  private static let store = ReplayTests.row(
    "Sync", "DMA_DIRECT2D",
    "S[7] (GpSimd)>=1 semaphore=9 sem_increment=16  src_elem_size=512 dst_elem_size=512 "
      + "src_pattern=[262144,1][128,1] dst_pattern=[512,1][128,1] src_addr_imm=0x802000037000 "
      + "src_shape_reg=0 dst_addr_imm=0x8005c03b0000 dst_shape_reg=0 compute_op=NONE", at: 3_800,
    for: 560, pc: 4, extra: ", \"hbm_write_bytes\": 65536, \"sbuf_read_bytes\": 65536")
  /// Begins after the last instruction of a data path, and waits while that still runs.
  private static let after = ReplayTests.row(
    "Vector", "NOP", "S[9] (qSyncDynamicHW)>=16", at: 6_000, for: 20, pc: 5,
    extra: ", \"evt_wait_time\": 3000")

  /// One engine's part of a transfer: eight descriptors of data, and one of the semaphore.
  private static func part(_ engine: Int, at start: Int) -> [String] {
    func descriptor(_ bytes: Int, _ start: Int, _ duration: Int) -> String {
      """
      {"subgraph": "sg00", "dma_engine": "\(64 + engine)", "dma_queue": "1",
       "queue_type": "hardware_dynamic", "timestamp": \(start), "duration": \(duration),
       "transfer_size": \(bytes)}
      """
    }
    return (0..<8).map { descriptor(512, start + 20 * $0, 27) } + [descriptor(4, start + 170, 9)]
  }

  private static let descriptors = (0..<16).flatMap { engine in
    part(engine, at: 2_400 + 10 * engine) + part(engine, at: 5_000 + 10 * engine)
  }

  private func replay(
    descriptors: [String] = Self.descriptors, measured: Bool = false
  ) throws -> Replay {
    let rows = [
      Self.before, ReplayTests.load, ReplayTests.copy, ReplayTests.exponential, Self.store,
      Self.after,
    ]
    let stored = (1...16).map {
      "{\"subgraph\": \"sg00\", \"id\": \"S[9] (q)\", \"timestamp\": \(5_400 + $0),"
        + " \"value\": \($0)}"
    }
    return try Replay(
      ReplayTests.report(
        rows, semaphores: ReplayTests.increments(to: 3_276) + stored, descriptors: descriptors),
      on: .trainium2, usesMeasuredTransfers: measured)
  }

  /// Writes both traces and hands their readers over.
  private func withTraces(
    _ replay: Replay, _ body: (borrowing TraceReader, borrowing TraceReader) throws -> Void
  ) throws {
    let stem = NSTemporaryDirectory() + UUID().uuidString
    let (measured, model) = (stem + ".measured.trntrace", stem + ".model.trntrace")
    defer {
      for path in [measured, model] { try? FileManager.default.removeItem(atPath: path) }
    }
    let traces = ReplayTraces(replay, tool: "test")
    try traces.writeMeasured(to: measured)
    try traces.writeModel(to: model)
    try body(TraceReader(path: measured), TraceReader(path: model))
  }

  @Test(arguments: [false, true]) func theDifferenceIsThatOfTheTotals(measured: Bool) throws {
    let replay = try replay(measured: measured)
    #expect(replay.rebuilt.leftOut.isEmpty)
    let total = replay.total
    #expect(total.measured == 3_010_000 && total.model > 2_000_000)
    try withTraces(replay) { first, second in
      let difference = try TraceDifference(base: first, new: second)
      #expect(difference.base.duration.value == total.measured)
      #expect(difference.new.duration.value == total.model)
      #expect(difference.change == total.model - total.measured)
      let path = try #require(difference.path)
      #expect(path.reduce(0) { $0 + $1.change } == difference.change)
      for side in [difference.base, difference.new] {
        #expect(side.from == .zero && side.damage.isEmpty)
        for share in side.engines { #expect(share.idle >= 0, "\(share)") }
      }
    }
  }

  /// Each engine's part of the load is one record, from its first descriptor to its semaphore's; of
  /// the store nothing moved before the end.
  @Test func transfersStandInBoth() throws {
    try withTraces(replay()) { first, second in
      for engine in 0..<16 {
        var records: [TraceEvent] = []
        _ = try first.readEvents(from: Picoseconds(-1), to: Picoseconds(1 << 50)) { track, batch in
          if track == .dma(engine) { records += Array(batch) }
        }
        #expect(records.map(\.start.value) == [Int64(1_400 + 10 * engine) * 1_000])
        #expect(records.map(\.duration.value) == [179_000])
      }
      let measured = try TraceSummary(first)
      #expect(measured.dmaEngines.map(\.records) == Array(repeating: 1, count: 16))
      #expect(measured.dmaEngines.sum(\.bytes) == 65_536)
      // On the model nothing keeps the store from going at once.
      let model = try TraceSummary(second)
      #expect(model.dmaEngines.map(\.records) == Array(repeating: 2, count: 16))
      #expect(model.dmaEngines.sum(\.bytes) == 131_072)
    }
  }

  /// A wait that the window's end cuts off is a wait, and a row from before the window still has
  /// done what it did to its semaphore.
  @Test func whatTheWindowCutsOffCounts() throws {
    try withTraces(replay()) { first, _ in
      let summary = try TraceSummary(first)
      let waited = summary.engines[1].stall[Int(StallCause.dma.rawValue)]
      // From the end of the copy to the end of the window.
      #expect(waited == 3_010_000 - (3_300_000 + 290_000 - 1_000_000), "\(waited)")
      let window = try #require(try EventWindow.load(first))
      let before = window.events[3]
      #expect(before.map(\.start) == [.zero] && before.map(\.duration) == [.zero])
    }
  }

  /// Descriptors that do not make whole transfers are not guessed at.
  @Test func transfersWithoutDescriptorsAreCounted() throws {
    #expect(ReplayTraces(try replay(), tool: "test").missingTransfers == 0)
    let cut = try replay(descriptors: Array(Self.descriptors.dropLast()))
    #expect(ReplayTraces(cut, tool: "test").missingTransfers == 2)
    #expect(ReplayTraces(try replay(descriptors: []), tool: "test").missingTransfers == 2)
  }
}
