import Synchronization
import Threads

/// Closing a trace. Who recorded waits for it with nothing else to do, so that what is left is
/// encoded on all threads: each block by itself, so that its bytes do not depend on them.
extension TraceFileBuilder {
  /// Writes what is gathered, the summary, the index and the seek table, and closes the file.
  mutating func finish(state: RunState, totals: RunTotals?) throws(TraceError) {
    try writeGathered()
    let dropped = try writeRing()
    var summary = RunSummary.combine(
      state: state, recorded: tracks.map(\.totals), given: totals,
      lastSample: headers.filter { $0.kind == .samples }.map(\.timeMax).max() ?? 0)
    (summary.recordedFrom, summary.droppedRecords) = (dropped?.until, dropped?.records)
    if dropped == nil { try writeTally() }
    if !summary.hasEvents, let counts = totals?.rowCounts {
      try write([Self.block(RowTally(counts))])
    }
    try writeInvocations(totals?.invocations ?? [])
    try writeBlock(BlockHeader(kind: .summary, count: 1), encodeJSON(summary))
    let index = headers.flatMap(\.content)
    try writeBlock(BlockHeader(kind: .index, count: UInt32(headers.count)), index)
    try file.append(seekTable.frame)
    try file.finish()
    try openBlocks.remove()
  }

  /// Writes the blocks that did not become full.
  private mutating func writeGathered() throws(TraceError) {
    var blocks: [SealedBlock] = []
    var items: [RunTally.Item] = []
    for track in TrackID.all {
      let index = Int(track.rawValue)
      let (events, cursor) = (tracks[index].events, tracks[index].cursor)
      if !events.isEmpty {
        let header = try describe(events, of: track)
        blocks.append(SealedBlock(header: header, content: .events(events)))
        let share = RunTally.Share(track: track)
        items.append(RunTally.Item(events: events, tracks: [share], cursor: cursor))
        tracks[index].events = []
      }
      if tracks[index].samples.count > 0 { blocks.append(sealSamples(track)) }
    }
    if !transfers.isEmpty {
      let (block, shares) = try sealTransfers()
      blocks.append(block)
      items += shares
    }
    try write(blocks, tallying: tally.isUsed ? items : [])
  }

  /// Encodes blocks and tallies records on all threads, then writes the blocks in their order.
  private mutating func write(
    _ blocks: [SealedBlock], tallying items: [RunTally.Item] = []
  ) throws(TraceError) {
    var taken = RunTally()
    swap(&taken, &tally)
    let held = Mutex(consume taken)
    let (lanes, isShort, bytes) = (lanes, isShort, rowBytes)
    // The tally is the longest piece of work, so that it comes first.
    let work = (items.isEmpty ? [] : [nil]) + blocks.map(Optional.some)
    let encoded = try HostThreads.map(work, size: 1) { (work) throws(TraceError) in
      guard let block = work.first ?? nil else {
        held.withLock { tally in
          tally.foresee(items)
          for item in items { tally.add(item, bytes: bytes) }
        }
        return [EncodedBlock]()
      }
      return try lanes.use { (lane) throws(TraceError) in
        var output: [UInt8] = []
        let size = try lane.encode(
          block.content, isShort: isShort && block.header.kind != .samples, into: &output)
        return [EncodedBlock(output: output, rawSize: size)]
      }
    }
    tally = held.withLock { tally in
      var taken = RunTally()
      swap(&taken, &tally)
      return taken
    }
    for (block, encoded) in zip(blocks, encoded) {
      output = encoded.output
      try writeOutput(block.header, rawSize: encoded.rawSize)
    }
  }

  /// Writes the blocks that a ring has kept; what it dropped, if anything.
  private mutating func writeRing() throws(TraceError) -> BlockRing.Loss? {
    guard let kept = ring else { return nil }
    ring = nil
    for block in kept.blocks {
      var header = block.header
      header.sequence = UInt32(headers.count)
      output = header.frame + block.frame
      try appendOutput(header)
    }
    return kept.loss
  }

  /// Writes which kernel ran when.
  private mutating func writeInvocations(_ all: [TraceInvocation]) throws(TraceError) {
    for start in stride(from: 0, to: all.count, by: BlockHeader.capacity) {
      let part = Array(all[start..<min(all.count, start + BlockHeader.capacity)])
      try writeBlock(
        BlockHeader(kind: .invocations, count: UInt32(part.count)), InvocationCodec.encode(part))
    }
  }

  /// The block of what rows add up to.
  private static func block(_ rows: RowTally) -> SealedBlock {
    let count = (0..<rows.count).count { rows.hasRun($0) }
    return SealedBlock(
      header: BlockHeader(kind: .rowTotals, count: UInt32(count)), content: .totals(rows))
  }

  /// Writes bins and totals of rows of a trace that is long enough for them.
  private mutating func writeTally() throws(TraceError) {
    guard tally.isUsed else { return }
    var blocks = [Self.block(tally.rows)]
    for (track, levels) in tally.finishedLevels() {
      var header = BlockHeader(
        kind: .levels, track: track.rawValue, count: UInt32(levels.count))
      header.timeMax = Int64(levels.count) * levels.binPicoseconds
      blocks.append(SealedBlock(header: header, content: .levels(levels)))
    }
    try write(blocks)
  }
}
