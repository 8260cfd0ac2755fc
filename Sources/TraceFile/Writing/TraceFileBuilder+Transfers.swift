/// Transfers are stored once for all DMA engines that take part.
extension TraceFileBuilder {
  /// Adds transfers and writes each block that they fill.
  mutating func append(transfers added: [TraceTransfer]) throws(TraceError) {
    var taken = 0
    while taken < added.count {
      let held = transfers.count
      let size = min(added.count - taken, BlockHeader.capacity - held)
      transfers.append(contentsOf: added[taken..<taken + size])
      taken += size
      if held + size == BlockHeader.capacity {
        try writeTransfers()
      } else {
        try saveTransfers(from: held, to: held + size)
      }
    }
  }

  /// Saves the chunks that became full when the transfers grew from `from` to `to`.
  private mutating func saveTransfers(from: Int, to: Int) throws(TraceError) {
    let family = OpenBlocks.transfers
    for chunk in from / family.recordsPerChunk..<to / family.recordsPerChunk {
      let first = chunk * family.recordsPerChunk
      let content = unsafe transfers[first..<first + family.recordsPerChunk].withUnsafeBytes {
        unsafe RawRecords.chunk(skews, $0)
      }
      var failure: TraceError?
      unsafe content.withUnsafeBytes { bytes in
        do throws(TraceError) {
          try unsafe openBlocks.save(
            family, track: .dma(0), chunk: chunk, firstRecord: transfersBefore + Int64(first),
            records: bytes)
        } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  mutating func writeTransfers() throws(TraceError) {
    var taken: [TraceTransfer] = []
    swap(&taken, &transfers)
    var header = BlockHeader(
      sequence: UInt32(headers.count), kind: .transfers, count: UInt32(taken.count))
    header.recordsBefore = transfersBefore
    let isTallied = tally.isUsed || taken.count == BlockHeader.capacity
    var shares: [TransferShare] = []
    for engine in 0..<TrackID.dmaCount {
      shares.append(try share(of: taken, engine: engine, isTallied: isTallied))
    }
    header.describe(shares)
    let columns = unsafe Array(encoder.encode(taken.map(\.record)))
    try writeBlock(header, columns + TransferCodec.encode(taken, skews: skews, shares: shares))
    transfersBefore += Int64(taken.count)
    taken.removeAll(keepingCapacity: true)
    swap(&taken, &transfers)
  }

  /// What one engine's track has of a block, added to the track's totals.
  private mutating func share(
    of transfers: [TraceTransfer], engine: Int, isTallied: Bool
  ) throws(TraceError) -> TransferShare {
    let track = TrackID.dma(engine)
    let index = Int(track.rawValue)
    let records = skews.records(of: transfers, engine: engine)
    let cursor = tracks[index].cursor
    var share = TransferShare(
      count: records.count, recordsBefore: tracks[index].totals.events,
      coveredUntil: cursor.coveredUntil)
    guard !records.isEmpty else { return share }
    let totals = EventTotals(records, cursor: &tracks[index].cursor, rowBytes: rowBytes)
    if let bad = totals.illegalIndex {
      throw .illegalRecord(track: track, index: share.recordsBefore + Int64(bad))
    }
    (share.timeMin, share.timeMax) = (totals.timeMin, totals.timeMax)
    share.summary = totals.summary
    tracks[index].totals.add(
      totals.summary, count: Int64(records.count), start: totals.timeMin, end: totals.timeMax)
    if isTallied { tally.add(records, track: track, cursor: cursor, bytes: rowBytes) }
    return share
  }
}

extension BlockHeader {
  /// Fills in times and totals of a block of transfers.
  fileprivate mutating func describe(_ shares: [TransferShare]) {
    let used = shares.filter { $0.count > 0 }
    timeMin = used.map(\.timeMin).min() ?? 0
    timeMax = used.map(\.timeMax).max() ?? 0
    summary.busy = used.reduce(0) { $0 &+ $1.summary.busy }
    summary.bytes = used.reduce(0) { $0 &+ $1.summary.bytes }
    shareCounts = shares.map(\.count)
  }
}
