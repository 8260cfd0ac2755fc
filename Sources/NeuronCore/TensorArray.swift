import Hardware
import InstructionSet
import Units

/// The tensor engine's array: one stream of rows in order, weights loaded into a shadow set while
/// the stream before them runs.
///
///     stream start = max(end of the stream before + bubble, weights ready, dispatch + start-up)
///     weights ready = max(start of the stream before + load, dispatch + start-up + load)
///     completion = end of stream + latency
///
/// A load that runs while the limiter changes the rate goes on at the new one, as a stream does.
/// Times inside are ticks (see `ActivityLimiter`). Tiles of the array that do not touch each other
/// stream side by side.
/// Source: profiler captures (array model that reproduces every row), NKI guide (PE tiling).
struct TensorArray {
  /// What a row of the tensor engine took.
  struct Row {
    /// Picoseconds: when the row begins, as a device profile shows it.
    var start: Int64
    /// Picoseconds: when its result is visible in PSUM.
    var completion: Int64
    /// Picoseconds: when its first element enters the array.
    var streamStart: Int64
  }

  private(set) var limiter: ActivityLimiter
  private let ticksPerPicosecond: Int64
  private let doublePicosecond: InvariantDivider
  private let countsRows: Bool
  private let bubbleCycles: Int64
  private let startTicks: Int64
  private let startFullExtraTicks: Int64
  private let latencyTicks: Int64
  private let leadFixedTicks: Int64
  private let leadCycles: Int64
  private let loadRowFixedTicks: Int64
  private let loadRowCycles: Int64
  private let loadRowColdTicks: Int64
  private var weightsReady: Int64 = 0
  private var lastStart: Int64
  private var lastStartWasFull = false
  private var streamEnd: Int64
  private var regionEnds: SIMD16<Int64>
  private var regionsDiffer = false

  init(device: Device) {
    let law = device.tensor
    limiter = ActivityLimiter(device: device)
    let ticks = device.clocks.tensor.value.denominator
    ticksPerPicosecond = ticks
    doublePicosecond = InvariantDivider(2 * ticks)
    countsRows = device.limiter.countsRows.value
    bubbleCycles = law.bubbleCycles.value
    startTicks = law.coldStart.value.value * ticks
    startFullExtraTicks = law.coldStartFullRateExtra.value.value * ticks
    latencyTicks = law.completionLatency.value.value * ticks
    leadFixedTicks = law.rowLeadFixed.value.value * ticks
    leadCycles = law.rowLeadCycles.value
    loadRowFixedTicks = law.loadWeightsDurationFixed.value.value * ticks
    loadRowCycles = law.loadWeightsDurationCycles.value
    loadRowColdTicks = law.loadWeightsColdDurationFixed.value.value * ticks
    // Far enough in the past that the first instruction is cold.
    lastStart = -1_000_000_000
    streamEnd = lastStart
    regionEnds = SIMD16(repeating: lastStart)
  }

  /// From now on changes of the limiter's rate are written down.
  mutating func recordRateChanges() { limiter.recordsSwitches = true }

  /// When the limiter changed the rate, in picoseconds; the first change ends the rate that the
  /// array starts with.
  var rateChanges: [Int64] { limiter.switches.map { picoseconds($0) } }

  @inline(__always)
  private func picoseconds(_ ticks: Int64) -> Int64 {
    doublePicosecond.quotient(2 * ticks + ticksPerPicosecond)
  }

  /// Loads weights; `dispatch` in picoseconds.
  @inline(__always)
  mutating func loadWeights(_ record: IssueRecord, dispatch: Int64) -> Row {
    let ready = dispatch * ticksPerPicosecond + startTicks
    let isWarm = ready <= streamEnd
    if !isWarm { limiter.advance(to: ready) }
    let nowFull = isWarm ? lastStartWasFull : limiter.isFull
    let behindStream =
      lastStart
      + limiter.ticks(
        loadTicks(record, isFull: lastStartWasFull), from: lastStart, startedFull: lastStartWasFull)
    let fromDispatch =
      ready + loadTicks(record, isFull: nowFull) + (nowFull ? startFullExtraTicks : 0)
    weightsReady = max(behindStream, fromDispatch)
    let cycles = Int64(record.extent)
    let start = isWarm ? lastStart - lead(isFull: lastStartWasFull) : ready - startTicks
    let duration =
      isWarm
      ? loadRowFixedTicks
        + limiter.ticks(
          limiter.ticks(loadRowCycles + cycles, isFull: nowFull),
          from: start + loadRowFixedTicks, startedFull: nowFull)
      : loadRowColdTicks + limiter.ticks(cycles, isFull: nowFull)
    let begin = max(picoseconds(start), dispatch)
    return Row(start: begin, completion: begin + picoseconds(duration), streamStart: begin)
  }

  @inline(__always)
  private func loadTicks(_ record: IssueRecord, isFull: Bool) -> Int64 {
    limiter.ticks(
      Int64(record.extent) + (isFull ? Int64(record.loadBubbleCycles) : 0), isFull: isFull)
  }

  @inline(__always)
  private func lead(isFull: Bool) -> Int64 {
    leadFixedTicks + limiter.ticks(leadCycles, isFull: isFull)
  }

  /// Streams rows; the record's `region` has one bit per 32 × 32 tile of the array, all set for a
  /// full tile.
  @inline(__always)
  mutating func stream(_ record: IssueRecord, dispatch: Int64) -> Row {
    let region = record.region
    let cycles = Int64(record.extent)
    let busyUntil = end(of: region)
    limiter.advance(to: busyUntil)
    let bubble = limiter.isFull ? bubbleCycles * limiter.cycleTicks : 0
    let earliest = dispatch * ticksPerPicosecond + startTicks
    let start = max(busyUntil + bubble, weightsReady, earliest)
    if start > streamEnd { limiter.advance(to: start) }
    let startsFull = limiter.isFull
    let end =
      region == .max && !regionsDiffer
      ? limiter.stream(from: start, cycles: cycles, rows: ActivityLimiter.allRows)
      : streamBeside(start, cycles, region)
    markBusy(region, until: end)
    lastStart = start
    lastStartWasFull = startsFull
    let begin = start - lead(isFull: startsFull)
    return Row(
      start: max(picoseconds(begin), dispatch), completion: picoseconds(end + latencyTicks),
      streamStart: picoseconds(start))
  }

  /// A tile beside others: while they stream, only rows that they leave idle count for the limiter.
  @inline(never)
  private mutating func streamBeside(_ start: Int64, _ cycles: Int64, _ region: UInt16) -> Int64 {
    let rows = quarters(Self.rows(of: region))
    guard start < streamEnd else {
      return limiter.stream(from: start, cycles: cycles, rows: rows)
    }
    let idleRows = countsRows ? quarters(Self.rows(of: region) & ~busyRows(at: start)) : 0
    let full = start + limiter.ticks(cycles, isFull: limiter.isFull)
    let cycleTicks = limiter.cycleTicks * (limiter.isFull ? 1 : 2)
    let rest = max(0, full - streamEnd) / cycleTicks
    limiter.countBeside(cycles: cycles - rest, rows: idleRows)
    return rest == 0 ? full : limiter.stream(from: streamEnd, cycles: rest, rows: rows)
  }

  /// How many quarters of the rows a set of them counts as.
  private func quarters(_ rows: UInt8) -> Int64 {
    countsRows ? Int64(rows.nonzeroBitCount) : ActivityLimiter.allRows
  }

  /// The quarters of the array's rows that a region uses, one bit each.
  private static func rows(of region: UInt16) -> UInt8 {
    var rows: UInt8 = 0
    for row in 0..<4 where region >> UInt16(4 * row) & 0xF != 0 { rows |= 1 << UInt8(row) }
    return rows
  }

  /// The quarters of the rows in which a tile still streams.
  private func busyRows(at time: Int64) -> UInt8 {
    var rows: UInt8 = 0
    for index in 0..<16 where regionEnds[index] > time { rows |= 1 << UInt8(index / 4) }
    return rows
  }

  /// When the last of some tiles is free. The whole array is free when its last tile is.
  @inline(__always)
  private func end(of region: UInt16) -> Int64 {
    guard regionsDiffer, region != .max else { return streamEnd }
    return regionEnds.replacing(with: .min, where: Self.lanes(not: region)).max()
  }

  @inline(__always)
  private mutating func markBusy(_ region: UInt16, until end: Int64) {
    guard region != .max else {
      regionsDiffer = false
      streamEnd = end
      return
    }
    if !regionsDiffer { regionEnds = SIMD16(repeating: streamEnd) }
    regionsDiffer = true
    regionEnds.replace(with: end, where: .!Self.lanes(not: region))
    streamEnd = max(streamEnd, end)
  }

  /// The tiles that are not in a region.
  @inline(__always)
  private static func lanes(not region: UInt16) -> SIMDMask<SIMD16<Int64>> {
    let tiles = SIMD16<UInt16>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    let bits = SIMD16<UInt16>(repeating: region) & (SIMD16(repeating: 1) &<< tiles)
    return SIMD16<Int64>(truncatingIfNeeded: bits) .== 0
  }
}
