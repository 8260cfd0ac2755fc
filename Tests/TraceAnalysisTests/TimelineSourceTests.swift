import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

/// Cells of a viewer are sums of what lies in them, at every zoom.
@Suite struct TimelineSourceTests {
  /// Busy and stalled picoseconds of a track within a range, record by record.
  private func reference(_ events: [TraceEvent], _ from: Int64, _ to: Int64) -> (Int64, [Int64]) {
    var cursor = TimelineCursor()
    var busy: Int64 = 0
    var stall = [Int64](repeating: 0, count: StallCause.count)
    for event in events {
      let place = cursor.place(event)
      busy += max(0, min(place.busyEnd, to) - max(place.busyStart, from))
      let wait = max(0, min(place.busyStart, to) - max(place.stallStart, from))
      if event.wait.value > 0 { stall[Int(event.stallCause.rawValue)] += wait }
    }
    return (busy, stall)
  }

  @Test func cellsAddUpAtEveryZoom() throws {
    let machine = SmallMachine(rounds: 40)
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    let source = try TimelineSource(TraceReader(path: trace.path))
    var state: UInt64 = 11
    func draw(_ limit: Int64) -> Int64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64(state >> 33) % limit
    }
    for round in 0..<60 {
      let from = round == 0 ? source.from : draw(source.to - 10)
      let to = round == 0 ? source.to : from + 1 + draw(source.to - from)
      let count = Int(1 + draw(130))
      let bins = try source.bins(from: from, to: to, count: count)
      #expect(bins.count == TrackID.count)
      for (track, own) in zip(TrackID.all, bins) {
        let (busy, stall) = reference(machine.events[Int(track.rawValue)], from, to)
        #expect(own.busy.reduce(0, +) == busy)
        for cause in StallCause.allCases {
          let sum = own.stall.reduce(0) { $0 + $1[Int(cause.rawValue)] }
          #expect(sum == stall[Int(cause.rawValue)])
        }
        for cell in own.busy.indices {
          #expect(own.busy[cell] + own.stall[cell].wrappedSum() <= own.length(cell))
        }
      }
    }
  }

  /// A long trace shows the bins of its footer when all of it is shown, and its records when little
  /// of it is.
  @Test func longTracesComeFromTheirFooter() throws {
    let machine = SmallMachine(rounds: 66_000, seed: 2)
    let trace = TemporaryTrace()
    try machine.write(trace.path)
    let reader = try TraceReader(path: trace.path)
    #expect(try reader.levels(.tensor) != nil)
    let summary = try TraceSummary(reader)
    let source = try TimelineSource(reader, recordLimit: 40_000)
    let whole = try source.bins(from: source.from, to: source.to, count: 100)
    for (share, own) in zip(summary.engines + summary.dmaEngines, whole) {
      #expect(own.busy.reduce(0, +) == share.busy)
      let stalled = own.stall.reduce(0) { $0 + $1.wrappedSum() }
      #expect(stalled == share.stalled)
    }
    // Too many records for memory, so that nothing can be said of single ones.
    #expect(try source.graph(from: source.from, to: source.to) == nil)
  }

  @Test func samplesAreShownAsTheyAre() throws {
    let trace = TemporaryTrace()
    var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata())
    let samples = (0..<100).map {
      TraceSample(
        time: Picoseconds(Int64($0) * 10), state: $0 < 30 ? .busy : .stalled(.dma),
        programCounter: 0)
    }
    try writer.append(track: .vector, samples: samples)
    try writer.finish()
    let source = try TimelineSource(TraceReader(path: trace.path))
    let bins = try source.bins(from: 0, to: 1_000, count: 10)
    #expect(bins[1].busy == [100, 100, 100, 0, 0, 0, 0, 0, 0, 0])
    #expect(bins[1].stall[5][Int(StallCause.dma.rawValue)] == 100)
    #expect(try source.graph(from: 0, to: 10) == nil)
  }

  /// A recording that begins in the middle does not pretend to know the semaphores.
  @Test func aRecordedWindowIsNoBeginning() throws {
    let machine = SmallMachine(rounds: 10)
    let trace = TemporaryTrace()
    let from = machine.events[0][5].start.value
    var writer = try TraceWriter(
      path: trace.path,
      metadata: TraceMetadata(["window_from_ps": "\(from)", "window_to_ps": "1000000"]))
    _ = try writer.append(program: SmallMachine.rows)
    for track in TrackID.all {
      let kept = machine.events[Int(track.rawValue)].filter { $0.end.value >= from }
      if !kept.isEmpty { try writer.append(track: track, events: kept) }
    }
    try writer.finish()
    let reader = try TraceReader(path: trace.path)
    let window = try #require(try EventWindow.load(reader))
    #expect(!window.isFromBeginning)
    #expect(window.from == from)
    let summary = try TraceSummary(reader, followsPath: true)
    #expect(summary.from.value == from)
    let path = try #require(summary.path)
    #expect(path.parts.values.reduce(0, +) == summary.duration.value)
  }
}
