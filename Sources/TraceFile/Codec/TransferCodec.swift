import Units

/// What one DMA engine's track has in a block of transfers.
struct TransferShare: Equatable {
  var count = 0
  var recordsBefore: Int64 = 0
  var coveredUntil: Int64 = 0
  var timeMin: Int64 = 0
  var timeMax: Int64 = 0
  var summary = BlockSummary()

  /// The header that a block of this track's own would have.
  func header(of block: BlockHeader, engine: Int) -> BlockHeader {
    var own = BlockHeader(
      sequence: block.sequence, kind: .events, track: TrackID.dma(engine).rawValue,
      count: UInt32(count))
    (own.recordsBefore, own.coveredUntil) = (recordsBefore, coveredUntil)
    (own.timeMin, own.timeMax, own.summary) = (timeMin, timeMax, summary)
    return own
  }
}

/// Transfers as columns: those of their records, the engines, and what each track has of the block.
enum TransferCodec {
  /// All engines take part unless a column says otherwise.
  private static let allEngines: UInt16 = .max

  /// A decoded block.
  struct Block {
    /// The records of engines without skew.
    var records: [TraceEvent]
    /// Who takes part in each; empty when all engines do in all.
    var engines: [UInt16]
    var skews: TransferSkews

    /// The earliest start of a record, and the latest.
    var starts: ClosedRange<Int64>

    /// The records of one engine's track; nil when its skew takes one beyond the format's limits.
    func batch(of engine: Int, cursor: TimelineCursor) -> EventBatch? {
      let skew = skews.values[engine]
      let limit = TraceEvent.limit
      // Starts and skews keep the limits, so that these sums cannot overflow.
      guard starts.lowerBound + skew >= -limit, starts.upperBound + skew <= limit else {
        return nil
      }
      guard !engines.isEmpty else { return EventBatch(records, skew: skew, cursor: cursor) }
      var own: [TraceEvent] = []
      own.reserveCapacity(records.count)
      for (record, mask) in zip(records, engines) where mask >> UInt16(engine) & 1 == 1 {
        own.append(record)
      }
      return EventBatch(own, skew: skew, cursor: cursor)
    }
  }

  /// What is added to the columns of the transfers' records.
  static func encode(
    _ transfers: [TraceTransfer], skews: TransferSkews, shares: [TransferShare]
  ) -> [UInt8] {
    var engines = ColumnWriter(maximumCount: transfers.count)
    var last = allEngines
    for transfer in transfers {
      engines.put(UInt64(transfer.engines ^ last))
      last = transfer.engines
    }
    var raw = engines.framed(Column.engines)
    /// Neighbours are nearly alike, so that each is a difference to the track before.
    func put(_ id: UInt8, _ value: (Int) -> Int64) {
      var writer = ColumnWriter(maximumCount: TrackID.dmaCount)
      var last: Int64 = 0
      for engine in 0..<TrackID.dmaCount {
        writer.put(zigzag(value(engine) &- last))
        last = value(engine)
      }
      raw += writer.framed(id)
    }
    put(Column.skew) { skews.values[$0] }
    put(Column.shareBefore) { shares[$0].recordsBefore }
    put(Column.shareCovered) { shares[$0].coveredUntil }
    put(Column.shareTimeMin) { shares[$0].timeMin }
    put(Column.shareTimeMax) { shares[$0].timeMax }
    put(Column.shareBytes) { shares[$0].summary.bytes }
    put(Column.shareBusy) { shares[$0].summary.busy }
    for cause in 0..<StallCause.count {
      put(Column.shareBusy + 1 + UInt8(cause)) { shares[$0].summary.stall[cause] }
    }
    return raw
  }

  /// The transfers of a block; nil when malformed.
  static func decode(_ raw: [UInt8], count: Int) -> Block? {
    guard let records = EventDecoder.decode(raw, count: count), let set = ColumnSet(raw),
      let skews = numbers(Column.skew, set, raw),
      let masks = set.values(Column.engines, count: count, in: raw)
    else { return nil }
    guard skews.allSatisfy({ abs($0 / 2) <= TraceEvent.limit }) else { return nil }
    let starts = records.reduce(into: (least: Int64(0), most: Int64(0))) { found, record in
      found.least = min(found.least, record.start.value)
      found.most = max(found.most, record.start.value)
    }
    var block = Block(
      records: records, engines: [], skews: TransferSkews(skews),
      starts: starts.least...starts.most)
    guard masks.contains(where: { $0 != 0 }) else { return block }
    var engines = allEngines
    block.engines.reserveCapacity(count)
    for mask in masks {
      guard let change = UInt16(exactly: mask) else { return nil }
      engines ^= change
      block.engines.append(engines)
    }
    return block
  }

  /// What each DMA engine has of a block; nil when malformed. `counts` are those of the header.
  static func shares(_ raw: [UInt8], counts: [Int]) -> [TransferShare]? {
    guard let set = ColumnSet(raw), let before = numbers(Column.shareBefore, set, raw),
      let covered = numbers(Column.shareCovered, set, raw),
      let first = numbers(Column.shareTimeMin, set, raw),
      let last = numbers(Column.shareTimeMax, set, raw),
      let bytes = numbers(Column.shareBytes, set, raw),
      let busy = numbers(Column.shareBusy, set, raw)
    else { return nil }
    var shares = (0..<TrackID.dmaCount).map { engine in
      TransferShare(
        count: counts[engine], recordsBefore: before[engine], coveredUntil: covered[engine],
        timeMin: first[engine], timeMax: last[engine])
    }
    for engine in shares.indices {
      (shares[engine].summary.bytes, shares[engine].summary.busy) = (bytes[engine], busy[engine])
    }
    for cause in 0..<StallCause.count {
      guard let stall = numbers(Column.shareBusy + 1 + UInt8(cause), set, raw) else { return nil }
      for engine in shares.indices { shares[engine].summary.stall[cause] = stall[engine] }
    }
    let areSound = shares.enumerated().allSatisfy { engine, share in
      share.header(of: BlockHeader(sequence: 0, kind: .transfers, count: 0), engine: engine).isSound
    }
    return areSound ? shares : nil
  }

  /// The column's value for each DMA engine.
  private static func numbers(_ id: UInt8, _ set: ColumnSet, _ raw: [UInt8]) -> [Int64]? {
    guard let differences = set.values(id, count: TrackID.dmaCount, in: raw) else { return nil }
    var value: Int64 = 0
    return differences.map { difference in
      value &+= unzigzag(difference)
      return value
    }
  }
}
