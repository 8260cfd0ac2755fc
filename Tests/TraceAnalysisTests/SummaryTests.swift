import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

@Suite struct SummaryTests {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "summary-\(UUID().uuidString).trntrace"
  }

  private static let rows = [
    ProgramRow(opcode: "MATMUL", engine: .tensor, kernel: "attention", layer: "0", flops: 1_000),
    ProgramRow(opcode: "LDWEIGHTS", engine: .tensor, kernel: "attention", layer: "1"),
    ProgramRow(opcode: "TENSOR_COPY", engine: .vector, kernel: "copy", layer: "1"),
    ProgramRow(opcode: "DMA_DIRECT2D", engine: .sync, kernel: "copy", layer: "0", bytes: 4_096),
  ]

  private func event(
    _ row: UInt32, _ start: Int64, _ duration: Int64, wait: Int64 = 0, _ cause: StallCause = .none
  ) -> TraceEvent {
    TraceEvent(
      start: Picoseconds(start), duration: Picoseconds(duration), wait: Picoseconds(wait),
      stallCause: cause, programCounter: row)
  }

  /// 1000 ps; tensor: stall 100, busy 300, idle 100, stall 200, busy 200, idle 100.
  private func write(totals: RunTotals? = nil) throws {
    var writer = try TraceWriter(
      path: path, metadata: TraceMetadata(["workload": "micro/test", "device": "trn2"]))
    _ = try writer.append(program: Self.rows)
    try writer.append(
      track: .tensor,
      events: [event(1, 100, 300, wait: 100, .dma), event(0, 700, 200, wait: 200, .semaphore)])
    try writer.append(
      track: .vector, events: [event(2, 0, 500), event(2, 500, 500), event(9, 1_000, 0)])
    try writer.append(track: .dma(0), events: [event(3, 0, 100), event(3, 50, 150)])
    try writer.append(track: .dma(15), events: [event(3, 0, 600)])
    try writer.finish(totals: totals)
  }

  private func summary(
    from: Int64? = nil, to: Int64? = nil, cells: Int = 0
  ) throws -> TraceSummary {
    let reader = try TraceReader(path: path)
    return try TraceSummary(
      reader, from: from.map { Picoseconds($0) }, to: to.map { Picoseconds($0) }, cells: cells)
  }

  @Test func theWholeRunAddsUpExactly() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let whole = try summary()
    #expect(whole.duration == Picoseconds(1_000))
    #expect(whole.basis == .events)
    let tensor = whole.engines[0]
    #expect((tensor.busy, tensor.idle, tensor.records) == (500, 200, 2))
    #expect(tensor.stall[Int(StallCause.dma.rawValue)] == 100)
    #expect(tensor.stall[Int(StallCause.semaphore.rawValue)] == 200)
    #expect((whole.engines[1].busy, whole.engines[1].records) == (1_000, 3))
    #expect((whole.dmaEngines[0].busy, whole.dmaEngines[0].bytes) == (200, 8_192))
    #expect(whole.dmaEngines[15].bytes == 4_096)
    #expect(whole.engines[2].idle == 1_000)
    for share in whole.engines + whole.dmaEngines {
      #expect(share.busy + share.stalled + share.idle == share.whole)
    }
  }

  @Test func aRangeIsClippedToThePicosecond() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let part = try summary(from: 350, to: 750)
    let tensor = part.engines[0]
    #expect((tensor.busy, tensor.idle, tensor.records) == (50 + 50, 100, 1))
    #expect(tensor.stall[Int(StallCause.semaphore.rawValue)] == 200)
    #expect((part.engines[1].busy, part.engines[1].records) == (400, 1))
    #expect(try summary(from: 2_000, to: 1_000).engines[0].whole == 0)
  }

  @Test func partsOfARunAddUpToTheWhole() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let whole = try summary()
    for cut in stride(from: Int64(0), through: 1_000, by: 37) {
      let (first, second) = (try summary(from: 0, to: cut), try summary(from: cut))
      for track in 0..<5 {
        let sum = zip(first.engines[track].stall, second.engines[track].stall).map(+)
        #expect(sum == whole.engines[track].stall)
        #expect(
          first.engines[track].busy + second.engines[track].busy == whole.engines[track].busy)
        #expect(
          [first, second].compactMap { $0.engines[track].records }.reduce(0, +)
            == whole.engines[track].records)
      }
    }
  }

  @Test func groupsByEveryKey() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let whole = try summary()
    let kernels = whole.groups(by: .kernel)
    #expect(kernels.map(\.name) == ["copy", "attention", "(unknown)"])
    #expect((kernels[0].busy, kernels[0].dmaBusy, kernels[0].transfers) == (1_000, 800, 3))
    #expect((kernels[0].bytes, kernels[1].stall, kernels[1].flops) == (12_288, 300, 1_000))
    #expect(
      whole.groups(by: .opcode).map(\.name)
        == ["TENSOR_COPY", "LDWEIGHTS", "MATMUL", "(unknown)", "DMA_DIRECT2D"])
    #expect(whole.groups(by: .layer).map(\.name) == ["1", "0", "(unknown)"])
    #expect(whole.groups(by: .stall).map(\.name) == ["semaphore", "dma"])
    #expect(whole.groups(by: .engine).first?.name == "vector")
  }

  @Test func theJSONHasTheKeysOthersRelyOn() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let document = SummaryDocument(try summary())
    let data = try document.json()
    #expect(try document.json() == data)
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["schema"] as? Int == 1)
    #expect(json["duration_us"] as? Double == 0.001)
    let engines = try #require(json["engines"] as? [[String: Any]])
    #expect(
      engines.map { $0["engine"] as? String } == ["tensor", "vector", "scalar", "gpsimd", "sync"])
    #expect(engines[0]["active_percent"] as? Double == 50)
    #expect(engines[0]["instructions"] as? Int == 2)
    let stalls = try #require(engines[0]["stall_percent"] as? [String: Double])
    #expect(stalls["semaphore"] == 20)
    #expect(stalls["dma"] == 10)
    #expect(stalls["queue_empty"] == 0)
    #expect(engines[0]["idle_percent"] as? Double == 20)
    #expect((json["dma"] as? [String: Any])?["active_percent"] as? Double == 5)
    #expect((json["kernels"] as? [Any])?.count == 3)
    #expect((json["top"] as? [Any])?.count == 5)
    #expect((json["damage"] as? [Any])?.isEmpty == true)
  }

  @Test func samplesGiveShares() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let peaks = ["peak_flops_per_second": "1e12", "hbm_bytes_per_second": "1e9"]
    var writer = try TraceWriter(path: path, metadata: TraceMetadata(peaks))
    _ = try writer.append(program: Self.rows)
    let states: [TrackState] = [.busy, .busy, .stalled(.dma), .idle]
    let samples = (0..<100).map {
      TraceSample(time: Picoseconds(Int64($0) * 10), state: states[$0 % 4], programCounter: 0)
    }
    try writer.append(track: .tensor, samples: samples)
    var counted = TrackTotals(track: .tensor)
    (counted.busy, counted.events) = (501, 7)
    try writer.finish(totals: RunTotals(end: 1_000, tracks: [counted]))
    let whole = try summary(cells: 4)
    #expect(whole.damage.isEmpty)
    #expect(whole.basis == .counters)
    #expect((whole.engines[0].busy, whole.engines[0].records) == (501, 7))
    #expect(whole.strips[0].busy == [130, 130, 120, 120])
    #expect(whole.groups(by: .kernel).first?.busy == 500)
    try expectNoCounts(whole)
    #expect(whole.metric("tensor_engine_instruction_count") == 7)
    let part = try summary(from: 0, to: 400)
    try expectNoCounts(part)
    #expect(part.engines[0].records == nil)
    #expect(part.metric("tensor_engine_instruction_count") == nil)
    #expect(part.basis == .samples)
    #expect(
      (part.engines[0].busy, part.engines[0].stalled, part.engines[0].idle) == (200, 100, 100))
  }

  /// A model's own count has elementwise operations too; the tensor engine's utilisation is that by
  /// products, and never above what the hardware did.
  @Test(arguments: [(100.0, 0.1), (900.0, 0.5)]) func utilisationIsThatByProducts(
    model: (flops: Double, share: Double)
  ) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let facts = [
      "peak_flops_per_second": "1e12", "hbm_bytes_per_second": "1e9",
      "model_flops": "\(Int(model.flops))",
    ]
    var rows = Self.rows
    (rows[0].flops, rows[1].flops, rows[1].transposeFlops) = (500, 100, 100)
    var writer = try TraceWriter(path: path, metadata: TraceMetadata(facts))
    _ = try writer.append(program: rows)
    try writer.append(track: .tensor, events: [event(0, 0, 400), event(1, 400, 600)])
    try writer.finish()
    let whole = try summary()
    for (name, share) in [("mfu", model.share), ("mfu_inst", 0.5), ("hfu", 0.6)] {
      let value = try #require(whole.metric("\(name)_estimated_percent"))
      #expect(abs(value - share) < 1e-12, "\(name)")
    }
  }

  /// What samples cannot know is absent: nothing of it is 0.
  private func expectNoCounts(_ summary: TraceSummary) throws {
    let group = try #require(summary.groups(by: .kernel).first)
    #expect(
      [group.instructions, group.transfers, group.bytes, group.flops] == [nil, nil, nil, nil])
    #expect(group.bound == nil && group.lost == nil)
    for name in [
      "hbm_read_bytes", "hbm_write_bytes", "hardware_flops", "transpose_flops",
      "mfu_estimated_percent", "hfu_estimated_percent", "mbu_estimated_percent",
      "matmul_instruction_count", "mm_arithmetic_intensity",
    ] { #expect(summary.metric(name) == nil, "\(name)") }
    let text = SummaryText(width: 80).lines(summary, by: .kernel)
    #expect(text.last?.hasSuffix("-          -") == true, "\(text)")
    let json = try JSONSerialization.jsonObject(with: SummaryDocument(summary).json())
    let kernels = (json as? [String: Any])?["kernels"] as? [[String: Any]]
    #expect(kernels?.first?["instructions"] == nil && kernels?.first?["bytes"] == nil)
  }

  /// The last record of the first block reaches over the records of the next one.
  @Test func recordsThatReachIntoTheNextBlockAreCountedOnce() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    defer { try? FileManager.default.removeItem(atPath: path + ".open") }
    var events = (0..<65_536 + 16_384).map { event(0, Int64($0) * 10, 5, wait: 3, .control) }
    events[65_535].duration = Picoseconds(100_000)
    let last = events[events.count - 1].end.value
    let busy = 65_535 * 5 + 100_000 + (16_384 - 9_999) * 5
    let stall = 65_536 * 3 + (16_384 - 10_000) * 3
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    try writer.append(track: .tensor, events: events)
    try writer.finish()
    let totals = try TraceReader(path: path).summary
    #expect(totals.end == last)
    #expect((totals.tracks[0].busy, totals.tracks[0].stall[7]) == (Int64(busy), Int64(stall)))
    let whole = try summary()
    #expect((whole.engines[0].busy, whole.engines[0].stalled) == (Int64(busy), Int64(stall)))
    // The same from a killed run, whose second block comes from the side file.
    try recordAndDrop(events)
    let killed = try summary()
    #expect(killed.state == .killed)
    #expect((killed.engines[0].busy, killed.engines[0].stalled) == (Int64(busy), Int64(stall)))
    #expect(try TraceReader(path: path).summary.tracks == totals.tracks)
  }

  private func recordAndDrop(_ events: [TraceEvent]) throws {
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    try writer.append(track: .tensor, events: events)
  }

  @Test func theTextFitsItsWidth() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    for width in [80, 120] {
      let text = SummaryText(width: width)
      let summary = try summary(cells: text.cells)
      for grouping in SummaryGrouping.allCases {
        let lines = text.lines(summary, by: grouping)
        #expect(lines.allSatisfy { $0.count <= width })
      }
    }
    let plain = SummaryText(width: 80, isASCII: true)
    let lines = plain.lines(try summary(cells: plain.cells))
    #expect(lines.allSatisfy { $0.utf8.allSatisfy { $0 < 128 } })
    #expect(lines[0] == "micro/test on trn2")
    #expect(lines[1] == "duration 1.000 ns")
    let tensor = try #require(lines.first { $0.hasPrefix("tensor") })
    #expect(tensor.hasSuffix("   50.0 %   30.0 %   20.0 %"))
    #expect(lines.contains("semaphore        20.0 %    0.0 %    0.0 %    0.0 %    0.0 %"))
  }

  @Test func everyCauseFitsTheNarrowestWidth() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    var writer = try TraceWriter(path: path, metadata: TraceMetadata())
    let events = StallCause.allCases.enumerated().map { index, cause in
      event(0, Int64(index + 1) * 1_000_000_000, 10, wait: 1_000_000, cause)
    }
    try writer.append(track: .gpsimd, events: events)
    try writer.finish()
    let text = SummaryText(width: 60)
    let lines = text.lines(try summary(cells: text.cells))
    #expect(lines.allSatisfy { $0.count <= 60 })
    for cause in StallCause.allCases { #expect(lines.contains { $0.hasPrefix(cause.key) }) }
  }

  /// After an engine's last readable record nothing is known of it: that is no idle time, and there
  /// are no rates over it.
  @Test func whatACutFileLacksIsMissingAndNotIdle() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let peaks = ["peak_flops_per_second": "1e12", "hbm_bytes_per_second": "1e9"]
    var writer = try TraceWriter(path: path, metadata: TraceMetadata(peaks))
    _ = try writer.append(program: Self.rows)
    let tracks: [TrackID] = [.tensor, .vector, .scalar, .dma(0), .dma(1)]
    for (index, track) in tracks.enumerated() {
      let last = Int64(10 - index) * 100
      try writer.append(track: track, events: [event(0, 100, 100), event(3, last, 50)])
    }
    try writer.finish()
    #expect(try summary().metric("mbu_estimated_percent") == 0)
    let content = try Data(contentsOf: URL(fileURLWithPath: path))
    var seen: Set<Int> = []
    for size in stride(from: content.count - 1, to: 200, by: -40) {
      try content.prefix(size).write(to: URL(fileURLWithPath: path))
      let text = SummaryText(width: 80)
      let cut = try summary(cells: text.cells)
      guard cut.state == .killed, cut.duration > .zero else { continue }
      var left = 0
      for (share, track) in zip(cut.engines + cut.dmaEngines, TrackID.all) {
        #expect(share.busy + share.stalled + share.idle + share.missing == share.whole)
        let place = tracks.firstIndex(of: track)
        let end = share.records == 2 ? place.map { Int64(10 - $0) * 100 + 50 } : nil
        if end != nil { left += 1 }
        #expect(share.missing == cut.to.value - (end ?? 0), "\(track.name) of \(size) bytes")
      }
      seen.insert(left)
      #expect(cut.metric("mbu_estimated_percent") == nil)
      let lines = text.lines(cut)
      #expect(lines.allSatisfy { $0.count <= 80 })
      #expect(lines.contains { $0.hasPrefix("missing ") })
      #expect(lines.first { $0.hasPrefix("gpsimd") }?.contains("░░░░░") == true)
      #expect(lines.contains { $0.contains("no record of gpsimd is left") })
      #expect(lines.contains { $0.contains("what tensor did after 1050 ps is missing") })
    }
    #expect(seen.count > 2, "\(seen)")
  }

  @Test func aPathThatIsLeftOutIsSaidWithWhatToDo() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let reader = try TraceReader(path: path)
    let followed = try TraceSummary(reader, followsPath: true)
    #expect(followed.path != nil && followed.notes.isEmpty)
    let short = try TraceSummary(reader, followsPath: true, pathLimit: 3)
    #expect(short.path == nil)
    for text in [
      SummaryText(width: 200).lines(short).joined(separator: "\n"),
      SummaryText(width: 200).lines(short, by: .opcode).joined(separator: "\n"),
      String(decoding: try SummaryDocument(short).json(), as: UTF8.self),
    ] {
      #expect(text.contains("left out: 8 records are more than 3; choose a part with --from"))
    }
    #expect(try TraceSummary(reader, pathLimit: 3).notes.isEmpty, "it was not asked for")
  }

  @Test func damageIsSaidInTheText() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write()
    let content = try Data(contentsOf: URL(fileURLWithPath: path))
    try content.dropLast(5).write(to: URL(fileURLWithPath: path))
    let lines = SummaryText().lines(try summary())
    #expect(lines.contains("The trace is damaged; the numbers cover what is left:"))
    #expect(try SummaryDocument(summary()).damage.map(\.kind) == ["footer"])
  }
}

@Suite struct TimeBinsTests {
  @Test func cellsAddUpToTheWholeAtEveryLength() {
    for count in [1, 2, 3, 7, 60, 100] {
      for span in [Int64(1), 2, 59, 60, 61, 1_000, 1 << 60] {
        var bins = TimeBins(from: -5, to: span - 5, count: count)
        #expect(bins.borders.first == -5)
        #expect(bins.borders.last == span - 5)
        bins.add(from: .min / 2, to: .max / 2)
        #expect(bins.busy == (0..<count).map { bins.length($0) })
      }
    }
  }

  @Test func additionsInAnyOrderLandInTheirCells() {
    var bins = TimeBins(from: 0, to: 100, count: 10)
    bins.add(from: 95, to: 200)
    bins.add(from: 8, to: 23)
    bins.add(from: 0, to: 1)
    bins.add(from: 50, to: 50)
    bins.add(from: -10, to: 0)
    #expect(bins.busy == [3, 10, 3, 0, 0, 0, 0, 0, 0, 5])
    var none = TimeBins(from: 0, to: 0, count: 5)
    none.add(from: 0, to: 10)
    #expect(none.busy == [0, 0, 0, 0, 0])
  }

  @Test func glyphsShowBothEndsExactly() {
    var bins = TimeBins(from: 0, to: 5_000, count: 5)
    bins.add(from: 1_000, to: 1_001)
    bins.add(from: 2_000, to: 2_500)
    bins.add(from: 3_001, to: 5_000)
    #expect(HeatStrip.draw(bins) == " ▁▄▇█")
    #expect(HeatStrip.draw(bins, isASCII: true) == " .=#@")
    let empty = TimeBins(from: 0, to: 5_000, count: 5)
    #expect(HeatStrip.draw(mean: [bins, empty]) == " ▁▂▄▄")
  }
}
