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

  private mutating func writeTransfers() throws(TraceError) {
    let isTallied = tally.isUsed || transfers.count == BlockHeader.capacity
    let (block, items) = try sealTransfers()
    try write(block)
    guard isTallied else { return }
    for item in items { tally.add(item, bytes: rowBytes) }
  }

  /// The transfers as a block, and what they are to the tally; they are added to their tracks'
  /// totals.
  mutating func sealTransfers() throws(TraceError) -> (SealedBlock, [RunTally.Item]) {
    var taken: [TraceTransfer] = []
    swap(&taken, &transfers)
    var header = BlockHeader(kind: .transfers, count: UInt32(taken.count))
    header.recordsBefore = transfersBefore
    var shares = TrackID.dmaEngines.map { track in
      let held = tracks[Int(track.rawValue)]
      return TransferShare(
        recordsBefore: held.totals.events, coveredUntil: held.cursor.coveredUntil)
    }
    var items: [RunTally.Item] = []
    for group in TransferGroup.groups(of: taken) { items += try share(group, &shares) }
    header.describe(shares)
    transfersBefore += Int64(taken.count)
    return (SealedBlock(header: header, content: .transfers(taken, shares)), items)
  }

  /// Adds up what the tracks of a group's engines have of a block, and adds it to their totals.
  private mutating func share(
    _ group: TransferGroup, _ shares: inout [TransferShare]
  ) throws(TraceError) -> [RunTally.Item] {
    let walks = walks(group)
    for walk in walks {
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
    }
    return walks.map { walk in
      RunTally.Item(
        events: group.records,
        tracks: walk.engines.map { RunTally.Share(track: .dma($0), skew: skews.values[$0]) },
        cursor: walk.before)
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
