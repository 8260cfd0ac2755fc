import ProfileImport
import Testing
import TraceFile
import Units

/// Descriptors of a report and the transfers that they belong to.
struct ProfileTransferTests {
  private static func descriptor(
    _ engine: Int, _ bytes: Int, at start: Int, for duration: Int,
    kind: String = "hardware_dynamic", queue: Int = 2, isAggregate: Bool = false
  ) -> String {
    """
    {"subgraph": "sg00", "dma_engine": "\(64 + engine)", "dma_queue": "\(queue)",
     "queue_type": "\(kind)", "timestamp": \(start), "duration": \(duration),
     "transfer_size": \(bytes), "aggregated": "\(isAggregate ? "yes" : "no")"}
    """
  }

  /// Two transfers of 32 descriptors of four bytes each, two of them on each engine, with one of
  /// the semaphore behind: all are alike but for their order.
  private static let small = (0..<16).flatMap { engine in
    [200, 240].flatMap { start in
      (0..<3).map { descriptor(engine, 4, at: start + 10 * $0, for: 9) }
    }
  }

  private static func report(_ descriptors: [String], bytes: Int = 128) throws -> ProfileReport {
    let triggers = [("hbm_read_bytes", 100), ("hbm_write_bytes", 150)].enumerated().map {
      Capture.row(
        "Sync", "DMA_DIRECT2D", "semaphore=\(8 + $0) sem_increment=16", at: $1.1, for: 40,
        pc: 1 + $0, extra: "\"compiler_pc\": \($0), \"\($1.0)\": \(bytes)")
    }
    let text = """
      {"instruction": [\(triggers.joined(separator: ","))],
       "dma": [\(descriptors.joined(separator: ","))],
       "dma_queues_info": [{"subgraph": "sg00", "q_name": "qSyncDynamicHW", "q_idx": 2}],
       "ham": [{"subgraph": "sg00", "timestamp": 0, "duration": 30, "k": 4, "n": 8, "type": 1},
        {"subgraph": "sg00", "timestamp": 30, "duration": 50, "k": 8, "n": 8, "type": 0}]}
      """
    return try ProfileReport(Array(text.utf8), path: "a.json")
  }

  @Test func bytesTellTheSemaphoreFromData() throws {
    let report = try Self.report(Self.small)
    let transfers = ProfileTransfers(of: report.instructions, report, core: "sg00")
    #expect(transfers.missing == 0 && transfers.rings == [2, 2])
    for (parts, start) in zip(transfers.parts, [200_000, 240_000] as [Int64]) {
      #expect(parts.map(\.engine) == Array(0..<16))
      #expect(parts.allSatisfy { $0.start == start && $0.end == start + 29_000 })
      #expect(parts.allSatisfy { $0.descriptors.count == 3 })
    }
    // One more or fewer, and nothing is said.
    for rows in [Array(Self.small.dropLast()), Self.small + [Self.small[0]]] {
      let report = try Self.report(rows)
      let transfers = ProfileTransfers(of: report.instructions, report, core: "sg00")
      #expect(transfers.missing == 2 && transfers.rings == [nil, nil])
    }
  }

  /// Data counts for its memory and ring, the last descriptor for the semaphore.
  @Test func theTraceKnowsRingsBytesAndSemaphores() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.trntrace")
    let peaks = ProfileTrace.Peaks(flops: 5e12, hbmBytes: 7_000_000)
    let contents = try ProfileTrace(Self.report(Self.small)).write(
      to: path, tool: "test", peaks: peaks)
    #expect(contents.descriptors == 96)
    let reader = try TraceReader(path: path)
    #expect(reader.metadata.entries[TraceMetadata.Key.hbmBandwidth] == "7000000")
    var (read, written) = (Int64(0), Int64(0))
    var updates: [UInt16: Int] = [:]
    _ = try reader.readEvents(of: TrackID.dmaEngines) { _, batch in
      for event in batch {
        guard let row = reader.program[event.programCounter] else { continue }
        read += row.hbmReadBytes
        written += row.hbmWriteBytes
        if row.update.operation == .add { updates[row.update.semaphore, default: 0] += 1 }
        #expect(row.ring == 2 && row.engine == .sync)
      }
    }
    #expect((read, written) == (128, 128))
    #expect(updates == [8: 16, 9: 16])
    #expect(reader.program[0]?.ring == 2)
  }

  /// A row that stands for others is kept, and counts as a transfer alone. Worked by hand.
  @Test func aggregatesCountOnce() throws {
    let rows = [
      Self.descriptor(0, 512, at: 0, for: 20, kind: "data", queue: 1),
      Self.descriptor(1, 512, at: 10, for: 20, kind: "data", queue: 1),
      Self.descriptor(15, 1_024, at: 0, for: 30, kind: "data", queue: 1, isAggregate: true),
      Self.descriptor(2, 256, at: 100, for: 40),
    ]
    let report = try Self.report(rows)
    let folder = try TemporaryFolder()
    let contents = try ProfileTrace(report).write(to: folder.file("a.trntrace"), tool: "test")
    #expect(contents.descriptors == 3)
    #expect(contents.instructions + contents.descriptors + contents.tableRows == contents.rows)
    let reader = try TraceReader(path: folder.file("a.trntrace"))
    let numbers = try reader.statedNumbers()
    #expect(numbers == ProfileMeasures(report).compared(with: report))
    func value(_ name: String) -> Double? { numbers.first { $0.name == name }?.ours }
    #expect(value("static_dma_packet_count") == 2 && value("static_dma_size") == 1_024)
    #expect(value("static_dma_size_percent") == 0.8)
    #expect(value("static_dma_active_time") == 30.5e-9)
    #expect(value("hardware_dynamic_dma_packet_percent") == 1 / 3.0)
    #expect(value("dma_active_time") == 71e-9 && value("dma_packet_time") == 81.5e-9)
    #expect(value("dma_transfer_count") == 1 && value("dma_transfer_average_bytes") == 1_024)
    // The last row is a trigger's, which ends at 190 ns.
    #expect(value("total_time") == 190e-9)
    #expect(value("throttle_active_nc0_time_ns") == 30)
    #expect(value("throttle_activity_1_avg_util_limit_nc0_percent") == 0.5)
    #expect(value("throttle_avg_util_limit_nc0_percent") == 65.0 / 190)
  }
}
