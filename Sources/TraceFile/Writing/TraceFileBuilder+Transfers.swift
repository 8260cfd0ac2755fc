import Units

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
    var shares = TrackID.dmaEngines.map { track in
      let held = tracks[Int(track.rawValue)]
      return TransferShare(
        recordsBefore: held.totals.events, coveredUntil: held.cursor.coveredUntil)
    }
    for group in TransferGroup.groups(of: taken) {
      try share(group, isTallied: isTallied, &shares)
    }
    header.describe(shares)
    let columns = unsafe Array(encoder.encode(taken.map(\.record), guessesFirstWaits: false))
    try writeBlock(header, columns + TransferCodec.encode(taken, skews: skews, shares: shares))
    transfersBefore += Int64(taken.count)
    taken.removeAll(keepingCapacity: true)
    swap(&taken, &transfers)
  }

  /// Adds up what the tracks of a group's engines have of a block, and adds it to their totals.
  private mutating func share(
    _ group: TransferGroup, isTallied: Bool, _ shares: inout [TransferShare]
  ) throws(TraceError) {
    for walk in walks(group) {
      for engine in walk.engines {
        let track = TrackID.dma(engine)
        let (index, skew) = (Int(track.rawValue), skews.values[engine])
        if let bad = walk.firstIllegal(group.records, skew: skew) {
          throw .illegalRecord(track: track, index: tracks[index].totals.events + Int64(bad))
        }
        shares[engine].count = group.records.count
        shares[engine].timeMin = walk.totals.timeMin + skew
        shares[engine].timeMax = walk.totals.timeMax + skew
        shares[engine].summary = walk.totals.summary
        tracks[index].cursor.coveredUntil = walk.after.coveredUntil + skew
        tracks[index].totals.add(
          walk.totals.summary, count: Int64(group.records.count), start: shares[engine].timeMin,
          end: shares[engine].timeMax)
      }
      guard isTallied else { continue }
      tally.add(
        group.records,
        to: walk.engines.map { RunTally.Share(track: .dma($0), skew: skews.values[$0]) },
        cursor: walk.before, end: walk.totals.timeMax, bytes: rowBytes)
    }
  }

  /// Walks the records of a group, once for all tracks that are covered alike but for their skews.
  private func walks(_ group: TransferGroup) -> [TransferWalk] {
    guard let first = group.records.first else { return [] }
    var walks: [TransferWalk] = []
    for engine in group.engines {
      let covered =
        tracks[Int(TrackID.dma(engine).rawValue)].cursor.coveredUntil &- skews.values[engine]
      // What ends before the first record's wait covers nothing of the block.
      let before = TimelineCursor(
        coveredUntil: max(covered, first.start.value &- first.wait.value))
      if let known = walks.firstIndex(where: {
        $0.before.coveredUntil == before.coveredUntil
      }) {
        walks[known].engines.append(engine)
      } else {
        walks.append(
          TransferWalk(group.records, engine: engine, before: before, rowBytes: rowBytes))
      }
    }
    return walks
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
