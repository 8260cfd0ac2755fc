package import TraceFile

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
/// * The whole time is from the report's beginning to the end of its last row; parts are of it.
/// * `DescriptorMeasures` and `LimiterMeasures` have the rules of theirs.
package struct ProfileMeasures: Sendable {
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
  /// ACTIVATE rows.
  package var activations = Engine()
  /// Rows that move PSUM to SBUF.
  package var evacuations: Int64 = 0
  /// Bytes of one partition that they move.
  package var evacuatedBytes: Int64 = 0
  /// When the last row ends, in picoseconds from the report's beginning.
  package var end: Int64 = 0
  /// The union of all rows of instructions and descriptors, in picoseconds.
  package var active: Int64 = 0
  private let descriptors: DescriptorMeasures
  private let limiter: LimiterMeasures

  /// What the profiler cuts off a row's duration on average: half of its nanosecond.
  private static let cut: Int64 = 500

  /// Works out the totals.
  package init(_ report: ProfileReport) {
    descriptors = DescriptorMeasures(report, cut: Self.cut)
    limiter = LimiterMeasures(report)
    engines = TrackID.engines.map { _ in Engine() }
    var intervals = TrackID.engines.map { _ in Intervals() }
    end = report.descriptors.map { $0.start + $0.duration }.max() ?? 0
    for row in report.instructions {
      let track = Int(row.engine.rawValue)
      let work = (row.isSemaphoreRow ? 0 : row.duration) + Self.cut
      engines[track].instructions += 1
      engines[track].total += work
      intervals[track].append(row.end + Self.cut - work, row.end + Self.cut)
      end = max(end, row.end)
      bytes += row.bytes
      add(row, work)
    }
    var all = descriptors.intervals
    for track in intervals.indices {
      engines[track].active = intervals[track].union()
      all.append(intervals[track])
    }
    active = all.union()
  }

  private mutating func add(_ row: ProfileInstruction, _ work: Int64) {
    evacuations += row.isEvacuation ? 1 : 0
    evacuatedBytes &+= row.evacuatedBytes
    if row.opcode == "ACTIVATE" {
      activations.instructions += 1
      activations.total += work
    }
    guard row.opcode == "MATMUL" else { return }
    let flops = row.flops(ProfileOperands(row.operands))
    matmuls += 1
    hardwareFlops &+= flops
    if row.isTranspose { transposeFlops &+= flops }
  }

  /// All totals beside those of the report's own summary.
  package func compared(with report: ProfileReport) -> [StatedNumber] {
    var rows: [StatedNumber] = []
    func add(_ name: String, _ unit: String, _ ours: Double?) {
      guard let ours else { return }
      rows.append(StatedNumber(name: name, unit: unit, stated: report.summary[name], ours: ours))
    }
    for track in TrackID.engines {
      let engine = engines[Int(track.rawValue)]
      add("\(track.name)_engine_active_time", "s", seconds(engine.active))
      add("\(track.name)_engine_active_time_percent", "1", part(engine.active))
      add("\(track.name)_engine_instruction_time", "s", seconds(engine.total))
      add("\(track.name)_engine_instruction_count", "rows", Double(engine.instructions))
    }
    add("total_time", "s", seconds(end))
    add("total_active_time", "s", seconds(active))
    add("total_active_time_percent", "1", part(active))
    add("hardware_flops", "flop", Double(hardwareFlops))
    add("transpose_flops", "flop", Double(transposeFlops))
    add("matmul_instruction_count", "rows", Double(matmuls))
    add("activate_instruction_count", "rows", Double(activations.instructions))
    add("activate_instruction_time", "s", seconds(activations.total))
    add("psum_read_sbuf_write_count", "rows", Double(evacuations))
    add("psum_read_sbuf_write_bytes", "B", Double(evacuatedBytes))
    add("hbm_read_bytes", "B", Double(bytes.hbmRead))
    add("hbm_write_bytes", "B", Double(bytes.hbmWrite))
    add("sbuf_read_bytes", "B", Double(bytes.sbufRead))
    add("sbuf_write_bytes", "B", Double(bytes.sbufWrite))
    add("psum_read_bytes", "B", Double(bytes.psumRead))
    add("psum_write_bytes", "B", Double(bytes.psumWrite))
    let traffic = bytes.hbmRead &+ bytes.hbmWrite
    add(
      "mm_arithmetic_intensity", "flop/B",
      traffic > 0 ? Double(hardwareFlops - transposeFlops) / Double(traffic) : nil)
    descriptors.forEachNumber(end: end, add)
    limiter.forEachNumber(end: end, add)
    return rows
  }

  private func seconds(_ picoseconds: Int64) -> Double { Double(picoseconds) / 1e12 }

  /// A part of the whole time; nil without any.
  private func part(_ picoseconds: Int64) -> Double? {
    end > 0 ? Double(picoseconds) / Double(end) : nil
  }
}

/// Times that may overlap. Picoseconds.
struct Intervals {
  private var all: [(start: Int64, end: Int64)] = []

  mutating func append(_ start: Int64, _ end: Int64) { all.append((start, end)) }

  mutating func append(_ other: Intervals) { all += other.all }

  /// How long at least one of them lasts.
  func union() -> Int64 {
    var covered = Int64.min
    var sum: Int64 = 0
    for (start, end) in all.sorted(by: { $0.start < $1.start }) where end > covered {
      sum += end - max(start, covered)
      covered = end
    }
    return sum
  }
}
