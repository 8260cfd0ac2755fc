import TraceFile

/// The report's totals worked out again from its rows, by rules of our own.
///
/// * Every instruction row of every physical core counts; cores share an engine's name.
/// * The profiler cuts durations to whole nanoseconds, so each row counts half a nanosecond more:
///   what was cut off, on average.
/// * An EVENT_SEMAPHORE row is waiting, not work: it counts the half nanosecond alone.
/// * `active` is the union of the rows, `instruction time` their sum.
/// * Floating-point operations: 2 × rows × columns of the array × moving columns of each MATMUL; an
///   fp32 product is two rows and counts twice, as the profiler's `hardware_flops` do.
/// * Bytes: what each instruction's row says that it reads and writes, transfers at the instruction
///   that triggers them. Descriptor rows are not added: they would count a transfer again, and
///   instruction fetches and semaphore writes with it.
package struct ProfileMeasures: Equatable, Sendable {
  /// One engine's totals.
  package struct Engine: Equatable, Sendable {
    /// The union of the rows, in picoseconds.
    package var active: Int64 = 0
    /// The sum of the rows, in picoseconds.
    package var total: Int64 = 0
    /// Rows.
    package var instructions: Int64 = 0
  }

  /// By track, in the order of the engines.
  package var engines: [Engine]
  /// All MATMUL rows.
  package var hardwareFlops: Int64 = 0
  /// MATMUL rows that only transpose.
  package var transposeFlops: Int64 = 0
  /// MATMUL rows.
  package var matmuls: Int64 = 0
  /// Bytes by memory.
  package var bytes = ProfileBytes()

  /// What the profiler cuts off a row's duration on average: half of its nanosecond.
  private static let cut: Int64 = 500

  /// Works out the totals.
  package init(_ report: ProfileReport) {
    engines = TrackID.engines.map { _ in Engine() }
    var intervals = TrackID.engines.map { _ in [(start: Int64, end: Int64)]() }
    for row in report.instructions {
      let track = Int(row.engine.rawValue)
      let work = (row.isSemaphoreRow ? 0 : row.duration) + Self.cut
      engines[track].instructions += 1
      engines[track].total += work
      intervals[track].append((row.end + Self.cut - work, row.end + Self.cut))
      bytes += row.bytes
      guard row.opcode == "MATMUL" else { continue }
      let flops = row.flops(ProfileOperands(row.operands))
      matmuls += 1
      hardwareFlops &+= flops
      if row.isTranspose { transposeFlops &+= flops }
    }
    for track in intervals.indices { engines[track].active = Self.union(&intervals[track]) }
  }

  private static func union(_ intervals: inout [(start: Int64, end: Int64)]) -> Int64 {
    intervals.sort { $0.start < $1.start }
    var covered = Int64.min
    var sum: Int64 = 0
    for (start, end) in intervals where end > covered {
      sum += end - max(start, covered)
      covered = end
    }
    return sum
  }

  /// One number beside the report's own.
  package struct Comparison: Equatable, Sendable {
    /// The profiler's name of the number.
    package var name: String
    /// `s`, `flop`, `B` or `rows`.
    package var unit: String
    /// What the report's summary says; nil when it has no such number.
    package var stated: Double?
    /// What its rows add up to.
    package var ours: Double

    /// Ours against the report's, in percent; nil without one.
    package var differencePercent: Double? {
      guard let stated else { return nil }
      return stated == ours ? 0 : stated == 0 ? nil : (ours / stated - 1) * 100
    }
  }

  /// All totals beside those of the report's own summary.
  package func compared(with report: ProfileReport) -> [Comparison] {
    var rows: [Comparison] = []
    func add(_ name: String, _ unit: String, _ ours: Double) {
      rows.append(
        Comparison(name: name, unit: unit, stated: report.summary[name], ours: ours))
    }
    for track in TrackID.engines {
      let engine = engines[Int(track.rawValue)]
      add("\(track.name)_engine_active_time", "s", Double(engine.active) / 1e12)
      add("\(track.name)_engine_instruction_time", "s", Double(engine.total) / 1e12)
      add("\(track.name)_engine_instruction_count", "rows", Double(engine.instructions))
    }
    add("hardware_flops", "flop", Double(hardwareFlops))
    add("transpose_flops", "flop", Double(transposeFlops))
    add("matmul_instruction_count", "rows", Double(matmuls))
    add("hbm_read_bytes", "B", Double(bytes.hbmRead))
    add("hbm_write_bytes", "B", Double(bytes.hbmWrite))
    add("sbuf_read_bytes", "B", Double(bytes.sbufRead))
    add("sbuf_write_bytes", "B", Double(bytes.sbufWrite))
    add("psum_read_bytes", "B", Double(bytes.psumRead))
    add("psum_write_bytes", "B", Double(bytes.psumWrite))
    return rows
  }
}
