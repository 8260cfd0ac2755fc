import ProfileImport
import Testing
import TraceFile
import Units

struct ReportTests {
  @Test func rowsAreRead() throws {
    let report = try ProfileReport(Capture.bytes, path: "a.json")
    #expect(report.instructions.count == 5)
    #expect(report.cores == ["sg00", "sg01"])
    #expect(report.mainCore == "sg00")
    #expect(report.device == "trn2")
    #expect(report.name == "two products")
    let reduce = report.instructions[3]
    #expect(reduce.engine == .vector && reduce.opcode == "TENSOR_REDUCE")
    #expect((reduce.start, reduce.duration, reduce.end) == (780_000, 690_000, 1_470_000))
    // The vector engine's waits are printed in another clock.
    #expect(reduce.wait == 50_000)
    #expect(report.instructions[1].wait == 40_000)
    #expect(reduce.layer == "layer \"a\" \u{e9}")
    #expect(report.instructions[2].isTranspose && !report.instructions[1].isTranspose)
    #expect(!report.instructions[0].isCompiled && report.instructions[1].isCompiled)
    #expect(report.descriptors.map(\.engine) == [1, 0])
    #expect(report.semaphores.map(\.semaphore) == [5, 2])
    #expect(report.queueNames["sg00"]?[2] == "qSyncDynamicHW")
    #expect(report.limiter.first?.allowed == 8)
  }

  /// Worked by hand: 2·128·128·512 + 2·64·32·128 operations; the tensor rows overlap from 500 on.
  @Test func totalsFollowTheirRules() throws {
    let report = try ProfileReport(Capture.bytes, path: "a.json")
    let measures = ProfileMeasures(report)
    #expect(measures.hardwareFlops == 16_777_216 + 524_288)
    #expect(measures.transposeFlops == 524_288)
    #expect(measures.matmuls == 2)
    #expect(measures.bytes.sbufRead == 1_280)
    #expect(measures.engines[0].active == 710_500)
    #expect(measures.engines[0].total == 630_500 + 310_500)
    // The barrier row counts half a nanosecond.
    #expect(measures.engines[1].active == 690_500 + 500)
    #expect(measures.engines[2].instructions == 1)
    let rows = measures.compared(with: report)
    let flops = try #require(rows.first { $0.name == "hardware_flops" })
    #expect(flops.differencePercent == 0)
    let active = try #require(rows.first { $0.name == "tensor_engine_active_time" })
    #expect(abs(try #require(active.differencePercent)) < 0.1)
    #expect(rows.first { $0.name == "hbm_read_bytes" }?.differencePercent == nil)
  }

  @Test func everyRowIsInTheTrace() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.trntrace")
    let report = try ProfileReport(Capture.bytes, path: "a.json")
    let contents = try ProfileTrace(report).write(to: path, tool: "test")
    #expect(contents.rows == 13)
    #expect(contents.instructions + contents.descriptors + contents.tableRows == contents.rows)
    let reader = try TraceReader(path: path)
    #expect(try reader.verify().isEmpty)
    #expect(reader.metadata.entries[TraceMetadata.Key.device] == "trn2")
    var events: [TraceEvent] = []
    _ = try reader.readEvents(track: .vector) { events += $0 }
    #expect(events.map(\.start.value) == [95_000, 780_000])
    #expect(events.map(\.wait.value) == [90_000, 50_000])
    #expect(events.map(\.stallCause) == [.semaphore, .semaphore])
    let row = try #require(reader.program[events[1].programCounter])
    #expect(row.opcode == "TENSOR_REDUCE" && row.shape.hasPrefix("op=MAX dim=X src=fp32@0x2000000"))
    var moved: [TraceEvent] = []
    _ = try reader.readEvents(track: .dma(1)) { moved += $0 }
    #expect(moved.count == 1 && reader.program[moved[0].programCounter]?.bytes == 512)
    let tables = try reader.readTables()
    let names = tables.map(\.name).sorted()
    #expect(
      names == [
        "dma", "dma_queues_info", "ham", "instruction", "profile_info", "semaphore_update",
        "stated_numbers", "summary",
      ])
    let summary = try #require(tables.first { $0.name == "summary" })
    #expect(String(decoding: summary.json, as: UTF8.self).contains("7.101e-07"))
  }

  @Test func sameReportSameBytes() throws {
    let folder = try TemporaryFolder()
    let report = try ProfileReport(Capture.bytes, path: "a.json")
    for name in ["a", "b"] { _ = try ProfileTrace(report).write(to: folder.file(name), tool: "t") }
    #expect(try read(folder.file("a")) == read(folder.file("b")))
  }

  private func read(_ path: String) throws -> [UInt8] {
    try GzipFile.read(path: path)
  }

  @Test(arguments: [
    ("{}", "expected a table 'instruction'"), ("[1]", "1:1: expected an object, found '['"),
    ("{\"instruction\": [3]}", "expected a row, found '3'"),
    ("{\"instruction\": [{\"subgroup\": \"Pool\"}]}", "expected the name of an engine"),
    ("{\"instruction\":\n [{\"timestamp\": -4}]}", ":2:17: expected a time in nanoseconds"),
    ("{\"instruction\": [{\"timestamp\": 1e300}]}", "expected a time in nanoseconds"),
    ("{\"instruction\": [{}]} x", "expected the end of the document, found 'x'"),
  ])
  func mistakesAreNamed(text: String, message: String) throws {
    let error = try #require(throws: ProfileError.self) {
      try ProfileReport(Array(text.utf8), path: "a.json")
    }
    #expect("\(error)".contains(message), "\(error)")
  }

  /// Every cut of a report is refused.
  @Test func cutsAreRefused() {
    for length in 0..<Capture.bytes.count {
      #expect(throws: ProfileError.self) {
        try ProfileReport(Array(Capture.bytes.prefix(length)), path: "a.json")
      }
    }
  }

  /// Changed bytes are read or refused; nothing crashes, and nothing else is thrown.
  @Test func changedReportsDoNotCrash() throws {
    var random = SplitMix64(state: 7)
    let folder = try TemporaryFolder()
    let marks = Array("{}[],:\"\\-+.eE0123456789@=>S$ \u{1}".utf8)
    var readCount = 0
    for _ in 0..<4_000 {
      var bytes = Capture.bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(contentsOf: bytes[..<index].suffix(40), at: index)
        default: bytes[index] = marks.randomElement(using: &random) ?? 0
        }
      }
      do {
        let report = try ProfileReport(bytes, path: "a.json")
        readCount += 1
        _ = ProfileMeasures(report).compared(with: report)
        if readCount % 50 == 0 {
          _ = try ProfileTrace(report).write(to: folder.file("a"), tool: "test")
        }
      } catch is ProfileError {}
    }
    #expect(readCount > 100)
  }

  @Test func deepNestingIsRefused() {
    let deep = "{\"a\":" + String(repeating: "[", count: 100_000)
    #expect(throws: ProfileError.self) { try ProfileReport(Array(deep.utf8), path: "a.json") }
  }
}
