package import Units

/// Reads a `.trntrace` file: whole, cut, damaged, or left behind by a killed run.
///
/// Opening reads the footer alone, or all block headers when there is none. What is missing stands
/// in `damage`; a trace with damage answers from what is left, and its user ends with exit code 65.
package struct TraceReader: ~Copyable {
  let file: InputFile
  let decompressor: ZstdDecompressor
  let contents: TraceContents
  private let found = FoundDamage()

  /// Opens the file. Throws when it is no trace, of a newer major version, or cannot be read.
  package init(path: String) throws(TraceError) {
    let file = try InputFile(opening: path)
    let decompressor = try ZstdDecompressor()
    let contents = try TraceContents.load(file, decompressor)
    self.init(file: file, decompressor: decompressor, contents: contents)
  }

  private init(
    file: consuming InputFile, decompressor: consuming ZstdDecompressor, contents: TraceContents
  ) {
    self.file = file
    self.decompressor = decompressor
    self.contents = contents
  }

  /// What the recorder said about the run, from the front of the file alone: nothing else is read,
  /// however long the file is. Throws as opening it does.
  package static func metadata(ofFile path: String) throws(TraceError) -> TraceMetadata {
    let file = try InputFile(opening: path)
    let decompressor = try ZstdDecompressor()
    // The first block of a file.
    if let version = FileHeader.decode(try file.read(at: 0, count: FileHeader.size)),
      version.major <= FormatVersion.current.major,
      let block = try FooterReader.readHeader(file, at: Int64(FileHeader.size)),
      block.header.kind == .metadata,
      let raw = try FooterReader.readContent(file, decompressor, block),
      let metadata = try? TraceMetadata(decoding: raw)
    {
      return metadata
    }
    return try TraceReader(path: path).metadata
  }

  /// The file's name as it was opened.
  package var path: String { file.path }
  /// The format that the file was written in.
  package var version: FormatVersion { contents.version }
  /// What the recorder said about the run; empty when lost.
  package var metadata: TraceMetadata { contents.metadata }
  /// The instructions that program counters name.
  package var program: ProgramTable { contents.program }
  /// Which kernel ran when; empty in a trace that was not closed, or that tells no kernels apart.
  package var invocations: InvocationTable { contents.invocations }
  /// Whole-run totals: from the footer, or added up from what is left.
  package var summary: RunSummary { contents.summary }
  /// What is missing, as far as opening the file and reading it so far have found; contents are
  /// checked when they are read, or all of them by `verify`.
  package var damage: [TraceDamage] {
    contents.damage + found.list.filter { !contents.damage.contains($0) }
  }
  /// Blocks of records in the file.
  package var blockCount: Int {
    contents.blocks.count { $0.header.kind.holdsRecords }
  }

  /// Events in the file's blocks as they are stored: a transfer of several DMA engines counts once.
  package var storedEventCount: Int {
    contents.blocks.reduce(0) { sum, block in
      let isCounted = block.header.kind == .events || block.header.kind == .transfers
      return isCounted ? sum + Int(block.header.count) : sum
    }
  }

  /// Events in the blocks that touch a range, and not yet in any block: an upper bound.
  package func recordCount(from: Int64? = nil, to: Int64? = nil) -> Int {
    let inBlocks = contents.blocks.reduce(0) { sum, block in
      let isInside = block.touches(from.map { Picoseconds($0) }, to.map { Picoseconds($0 + 1) })
      let counts = block.header.kind == .events || block.header.kind == .transfers
      return counts && isInside ? sum + block.header.recordCount : sum
    }
    return contents.open.reduce(inBlocks) { $0 + $1.events.count }
  }

  /// What a block's content decodes to; nil when it does not, which is then known as damage.
  private func decoded<Value>(
    _ block: BlockEntry, _ decode: ([UInt8]) -> Value?
  ) throws(TraceError) -> Value? {
    let value = try FooterReader.readContent(file, decompressor, block).flatMap(decode)
    if value == nil { noteDamage(of: block) }
    return value
  }

  /// Remembers that a block cannot be read.
  func noteDamage(of block: BlockEntry) { found.add(block.damage(.badBlock)) }

  // MARK: Records

  /// Hands the events that touch `from..<to` to `body`, block by block in file order, each block
  /// decoded once for all of its tracks.
  ///
  /// The batches hold all events of each touched block, also those outside the range. Returns the
  /// damaged blocks that were left out.
  package func readEvents(
    of tracks: [TrackID] = TrackID.all, from: Picoseconds? = nil, to: Picoseconds? = nil,
    _ body: (TrackID, EventBatch) -> Void
  ) throws(TraceError) -> [TraceDamage] {
    var bad: [TraceDamage] = []
    for block in contents.blocks where block.touches(from, to) {
      let held = tracks.filter { block.holds($0) }
      guard !held.isEmpty else { continue }
      if let batches = try decoded(block, { Self.batches($0, block.header, held) }) {
        for (track, batch) in zip(held, batches) { body(track, batch) }
      } else if block.header.kind == .transfers {
        bad += held.map { block.damage(.badBlock, engine: $0.dmaIndex) }
      } else {
        bad.append(block.damage(.badBlock))
      }
    }
    for track in tracks {
      let open = contents.open[Int(track.rawValue)].events
      guard !open.isEmpty else { continue }
      body(track, EventBatch(open, cursor: contents.cursorAfterBlocks(track)))
    }
    return bad
  }

  /// Hands the events of one track that touch `from..<to` to `body`.
  package func readEvents(
    track: TrackID, from: Picoseconds? = nil, to: Picoseconds? = nil,
    _ body: (EventBatch) -> Void
  ) throws(TraceError) -> [TraceDamage] {
    try readEvents(of: [track], from: from, to: to) { _, batch in body(batch) }
  }

  /// The events of a block on each of its tracks; nil when it is malformed.
  static func batches(
    _ raw: [UInt8], _ header: BlockHeader, _ tracks: [TrackID]
  ) -> [EventBatch]? {
    if header.kind == .events {
      return EventDecoder.decode(raw, count: Int(header.count)).map {
        [EventBatch($0, cursor: TimelineCursor(coveredUntil: header.coveredUntil))]
      }
    }
    let counts = header.shareCounts
    guard let block = TransferCodec.decode(raw, count: Int(header.count)),
      let shares = TransferCodec.shares(raw, counts: counts)
    else { return nil }
    var batches: [EventBatch] = []
    for engine in tracks.map(\.dmaIndex) {
      let cursor = TimelineCursor(coveredUntil: shares[engine].coveredUntil)
      guard let batch = block.batch(of: engine, cursor: cursor), batch.count == counts[engine]
      else { return nil }
      batches.append(batch)
    }
    return batches
  }

  /// Hands the samples of a track that touch `from..<to` to `body`, like `readEvents`.
  package func readSamples(
    track: TrackID, from: Picoseconds? = nil, to: Picoseconds? = nil,
    _ body: ([TraceSample]) -> Void
  ) throws(TraceError) -> [TraceDamage] {
    var bad: [TraceDamage] = []
    for block in contents.blocks
    where block.header.kind == .samples && block.header.track == track.rawValue
      && block.touches(from, to)
    {
      let samples = try decoded(block) { SampleCodec.decode($0, count: Int(block.header.count)) }
      if let samples { body(samples) } else { bad.append(block.damage(.badBlock)) }
    }
    let open = contents.open[Int(track.rawValue)].samples
    if !open.isEmpty { body(open) }
    return bad
  }

  // MARK: Footer

  /// The program in the recorder's own binary form; nil when the trace holds none or it is damaged.
  package func programBinary() throws(TraceError) -> [UInt8]? {
    guard let block = contents.blocks.first(where: { $0.header.kind == .programBinary }) else {
      return nil
    }
    return try decoded(block) { $0 }
  }

  /// The track's run in bins; nil when the trace is short, or cut.
  package func levels(_ track: TrackID) throws(TraceError) -> TrackLevels? {
    let found = contents.blocks.last {
      $0.header.kind == .levels && $0.header.track == track.rawValue
    }
    guard let found else { return nil }
    return try decoded(found) { Self.levels($0, found.header) }
  }

  /// What the executions of each row of the whole run add up to; nil when the trace is short, or
  /// cut.
  package func rowTotals() throws(TraceError) -> RowTotals? {
    guard let block = contents.blocks.last(where: { $0.header.kind == .rowTotals }) else {
      return nil
    }
    return try decoded(block) {
      TallyCodec.rowTotals($0, count: Int(block.header.count), rowCount: program.count)
    }
  }

  static func levels(_ raw: [UInt8], _ header: BlockHeader) -> TrackLevels? {
    guard header.count > 0 else { return nil }
    return TallyCodec.levels(
      raw, count: Int(header.count), length: header.timeMax / Int64(header.count))
  }

  // MARK: Tables

  /// The tables of another tool's profile, in file order; damaged ones are left out.
  package func readTables() throws(TraceError) -> [TraceTable] {
    var tables: [TraceTable] = []
    for block in contents.blocks where block.header.kind == .table {
      let table = try decoded(block) {
        TraceTable(decoding: $0, rowCount: Int(block.header.count))
      }
      if let table { tables.append(table) }
    }
    return tables
  }

  /// The first piece of a table; nil where the trace has none, or it is damaged.
  package func readTable(named name: String) throws(TraceError) -> TraceTable? {
    for block in contents.blocks where block.header.kind == .table {
      let table = try decoded(block) {
        TraceTable(decoding: $0, rowCount: Int(block.header.count))
      }
      if let table, table.name == name { return table }
    }
    return nil
  }
}

/// What reading found to be damaged. A class because reading changes nothing else of the reader.
private final class FoundDamage {
  private(set) var list: [TraceDamage] = []

  func add(_ damage: TraceDamage) {
    if !list.contains(damage) { list.append(damage) }
  }
}
