import Units

/// Writes one trace file on one thread; the order of the calls alone decides every byte.
struct TraceFileBuilder: ~Copyable {
  /// What a track has gathered since its last full block.
  struct Track {
    var events: [TraceEvent] = []
    var samples: [TraceSample] = []
    var cursor = TimelineCursor()
    var totals: TrackTotals
  }

  var file: OutputFile
  var openBlocks: OpenBlocksFile
  let compressor: ZstdCompressor
  var encoder = EventEncoder()
  var tracks = TrackID.all.map { Track(totals: TrackTotals(track: $0)) }
  /// What DMA engines have in common since the last full block of it.
  var transfers: [TraceTransfer] = []
  var transfersBefore: Int64 = 0
  let skews: TransferSkews
  var rowBytes: [Int64] = []
  var headers: [BlockHeader] = []
  var seekTable = SeekTable()
  var tally = RunTally()
  /// Whether no block of records became full yet.
  private var isShort = true
  var ring: BlockRing?
  /// Header and zstd frame of the block being written; kept for its capacity.
  var output: [UInt8] = []

  /// Creates the file and writes its header and metadata.
  static func create(
    path: String, metadata: TraceMetadata, retention: TraceRetention, skews: TransferSkews
  ) throws(TraceError) -> TraceFileBuilder {
    let document = try metadata.encoded()
    let codec = try ZstdCompressor()
    let file = try OutputFile(creating: path)
    let openBlocks = OpenBlocksFile(tracePath: path, identity: XXH64.hash(document))
    var builder = TraceFileBuilder(
      file: file, openBlocks: openBlocks, compressor: codec, skews: skews)
    if case .last(let sizeBytes) = retention { builder.ring = BlockRing(limitBytes: sizeBytes) }
    try builder.begin(document)
    return builder
  }

  private init(
    file: consuming OutputFile, openBlocks: consuming OpenBlocksFile,
    compressor: consuming ZstdCompressor, skews: TransferSkews
  ) {
    self.skews = skews
    self.file = file
    self.openBlocks = openBlocks
    self.compressor = compressor
  }

  private mutating func begin(_ document: [UInt8]) throws(TraceError) {
    try file.append(FileHeader.encode(.current))
    seekTable.add(compressed: FileHeader.size, raw: 0)
    try writeBlock(BlockHeader(sequence: 0, kind: .metadata, count: 1), document)
  }

  // MARK: Records

  /// Adds rows; the program counter of the first is the number of rows so far.
  mutating func append(program rows: [ProgramRow]) throws(TraceError) {
    var texts = StringTable()
    let coded = rows.map { CodedRow($0, &texts) }
    try append(ProgramBlocks(coded, texts))
  }

  /// Adds rows, or the program's binary form, that were encoded already.
  mutating func append(_ program: ProgramBlocks) throws(TraceError) {
    for block in program.blocks {
      var header = BlockHeader(
        sequence: UInt32(headers.count), kind: block.kind, count: UInt32(block.count))
      if block.kind == .program { header.firstRow = UInt32(rowBytes.count) }
      rowBytes.append(contentsOf: block.rowBytes)
      tally.add(rowFlops: block.rowFlops)
      output = block.output
      try writeOutput(header, rawSize: block.rawSize)
    }
  }

  /// Adds a table, as a block of its own.
  mutating func append(table: TraceTable) throws(TraceError) {
    try writeBlock(
      BlockHeader(
        sequence: UInt32(headers.count), kind: .table, count: UInt32(clamping: table.rowCount)),
      table.encoded)
  }

  /// Adds events to a track and writes each block that they fill.
  mutating func append(track: TrackID, events: [TraceEvent]) throws(TraceError) {
    let index = Int(track.rawValue)
    var taken = 0
    while taken < events.count {
      let held = tracks[index].events.count
      let size = min(events.count - taken, BlockHeader.capacity - held)
      tracks[index].events.append(contentsOf: events[taken..<taken + size])
      taken += size
      if held + size == BlockHeader.capacity {
        try writeEvents(track)
      } else {
        try saveChunks(track, OpenBlocks.events, from: held, to: held + size)
      }
    }
  }

  /// Adds samples as runs of equal states `step` apart and writes each block that they fill.
  mutating func append(
    track: TrackID, runs: [TraceSampleRun], step: Picoseconds
  ) throws(TraceError) {
    let index = Int(track.rawValue)
    for run in runs {
      var sample = run.first
      let last = sample.time.value &+ Int64(run.count) &* step.value
      guard sample.isWithinLimits, last <= TraceEvent.limit else {
        let before = tracks[index].totals.samples + Int64(tracks[index].samples.count)
        throw .illegalRecord(track: track, index: before)
      }
      var left = Int(run.count)
      while left > 0 {
        let held = tracks[index].samples.count
        let size = min(left, BlockHeader.capacity - held)
        for _ in 0..<size {
          tracks[index].samples.append(sample)
          sample.time += step
        }
        left -= size
        if held + size == BlockHeader.capacity {
          try writeSamples(track)
        } else if (held + size) / OpenBlocks.samples.recordsPerChunk
          > held / OpenBlocks.samples.recordsPerChunk
        {
          try saveChunks(track, OpenBlocks.samples, from: held, to: held + size)
        }
      }
    }
  }

  /// Saves the chunks that became full when a track's records grew from `from` to `to`.
  private mutating func saveChunks(
    _ track: TrackID, _ family: OpenBlocks.Family, from: Int, to: Int
  ) throws(TraceError) {
    let index = Int(track.rawValue)
    for chunk in from / family.recordsPerChunk..<to / family.recordsPerChunk {
      let first = chunk * family.recordsPerChunk
      let range = first * family.recordSize..<(first + family.recordsPerChunk) * family.recordSize
      let isEvents = family.kind == .events
      let before = isEvents ? tracks[index].totals.events : tracks[index].totals.samples
      var failure: TraceError?
      func save(_ bytes: UnsafeRawBufferPointer) {
        do throws(TraceError) {
          // The chunk is full, so the range lies inside the records.
          try unsafe openBlocks.save(
            family, track: track, chunk: chunk, firstRecord: before + Int64(first),
            records: UnsafeRawBufferPointer(rebasing: bytes[range]))
        } catch { failure = error }
      }
      if isEvents {
        unsafe tracks[index].events.withUnsafeBytes { unsafe save($0) }
      } else {
        unsafe tracks[index].samples.withUnsafeBytes { unsafe save($0) }
      }
      if let failure { throw failure }
    }
  }

  // MARK: Blocks

  private mutating func writeEvents(_ track: TrackID) throws(TraceError) {
    let index = Int(track.rawValue)
    var events: [TraceEvent] = []
    swap(&events, &tracks[index].events)
    var header = BlockHeader(
      sequence: UInt32(headers.count), kind: .events, track: track.rawValue,
      count: UInt32(events.count))
    header.coveredUntil = tracks[index].cursor.coveredUntil
    header.recordsBefore = tracks[index].totals.events
    let cursor = tracks[index].cursor
    let totals = EventTotals(
      events, cursor: &tracks[index].cursor, rowBytes: track.isDMA ? rowBytes : [])
    if let bad = totals.illegalIndex {
      throw .illegalRecord(track: track, index: header.recordsBefore + Int64(bad))
    }
    (header.timeMin, header.timeMax) = (totals.timeMin, totals.timeMax)
    header.summary = totals.summary
    let raw = unsafe encoder.encode(events, guessesFirstWaits: true)
    try unsafe compressor.compress(
      raw, prefix: BlockHeader.frameSize, into: &output, effort(raw.count))
    try writeOutput(header, rawSize: raw.count)
    tracks[index].totals.add(
      totals.summary, count: Int64(events.count), start: totals.timeMin, end: totals.timeMax)
    // The first full block begins the tally, so it holds every record or none.
    if tally.isUsed || events.count == BlockHeader.capacity {
      tally.add(
        events, to: [RunTally.Share(track: track)], cursor: cursor, end: totals.timeMax,
        bytes: rowBytes)
    }
    events.removeAll(keepingCapacity: true)
    swap(&events, &tracks[index].events)
  }

  private mutating func writeSamples(_ track: TrackID) throws(TraceError) {
    let index = Int(track.rawValue)
    var samples: [TraceSample] = []
    swap(&samples, &tracks[index].samples)
    var header = BlockHeader(
      sequence: UInt32(headers.count), kind: .samples, track: track.rawValue,
      count: UInt32(samples.count))
    header.timeMin = samples.first?.time.value ?? 0
    header.timeMax = header.timeMin
    for sample in samples {
      header.timeMin = min(header.timeMin, sample.time.value)
      header.timeMax = max(header.timeMax, sample.time.value)
    }
    header.recordsBefore = tracks[index].totals.samples
    header.summary = BlockSummary(samples: samples)
    try writeBlock(header, SampleCodec.encode(samples))
    tracks[index].totals.samples += Int64(samples.count)
    samples.removeAll(keepingCapacity: true)
    swap(&samples, &tracks[index].samples)
  }

  /// A block that is worth more of the writer's time, in a trace that never filled one.
  private static let smallBlock = 128 << 10

  private func effort(_ rawSize: Int) -> ZstdCompressor.Effort {
    isShort && rawSize <= Self.smallBlock ? .record : .usual
  }

  /// Compresses `raw` and appends the block.
  mutating func writeBlock(_ header: BlockHeader, _ raw: [UInt8]) throws(TraceError) {
    try compressor.compress(
      raw, prefix: BlockHeader.frameSize, into: &output, effort(raw.count))
    try writeOutput(header, rawSize: raw.count)
  }

  /// Completes the header in front of the frame in `output` and appends both in one go.
  mutating func writeOutput(_ start: BlockHeader, rawSize: Int) throws(TraceError) {
    var header = start
    header.compressedSize = UInt32(output.count - BlockHeader.frameSize)
    header.rawSize = UInt32(rawSize)
    header.hash = unsafe output.withUnsafeBytes { bytes in
      // `output` holds the header's place and then the frame.
      unsafe XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[BlockHeader.frameSize...]))
    }
    if header.kind.holdsRecords, header.count == BlockHeader.capacity { isShort = false }
    if ring?.keep(header, output[BlockHeader.frameSize...]) == true { return }
    output.replaceSubrange(..<BlockHeader.frameSize, with: header.frame)
    try appendOutput(header)
  }

  /// Appends a whole block and enters it into the footer.
  private mutating func appendOutput(_ header: BlockHeader) throws(TraceError) {
    try file.append(output)
    seekTable.add(compressed: BlockHeader.frameSize, raw: 0)
    seekTable.add(compressed: Int(header.compressedSize), raw: Int(header.rawSize))
    headers.append(header)
  }

  // MARK: Close

  /// Writes what is gathered, the summary, the index and the seek table, and closes the file.
  mutating func finish(state: RunState, totals: RunTotals?) throws(TraceError) {
    for track in TrackID.all {
      if !tracks[Int(track.rawValue)].events.isEmpty { try writeEvents(track) }
      if !tracks[Int(track.rawValue)].samples.isEmpty { try writeSamples(track) }
    }
    if !transfers.isEmpty { try writeTransfers() }
    let dropped = try writeRing()
    var summary = RunSummary.combine(
      state: state, recorded: tracks.map(\.totals), given: totals,
      lastSample: headers.filter { $0.kind == .samples }.map(\.timeMax).max() ?? 0)
    (summary.recordedFrom, summary.droppedRecords) = (dropped?.until, dropped?.records)
    if dropped == nil { try writeTally() }
    try writeBlock(
      BlockHeader(sequence: UInt32(headers.count), kind: .summary, count: 1),
      encodeJSON(summary))
    let index = headers.flatMap(\.content)
    try writeBlock(
      BlockHeader(
        sequence: UInt32(headers.count), kind: .index, count: UInt32(headers.count)), index)
    try file.append(seekTable.frame)
    try file.finish()
    try openBlocks.remove()
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

  /// Writes bins and totals of rows of a trace that is long enough for them.
  private mutating func writeTally() throws(TraceError) {
    guard tally.isUsed else { return }
    let (raw, count) = TallyCodec.encode(tally.rows)
    try writeBlock(
      BlockHeader(sequence: UInt32(headers.count), kind: .rowTotals, count: UInt32(count)), raw)
    for (track, levels) in tally.finishedLevels() {
      var header = BlockHeader(
        sequence: UInt32(headers.count), kind: .levels, track: track.rawValue,
        count: UInt32(levels.count))
      header.timeMax = Int64(levels.count) * levels.binPicoseconds
      try writeBlock(header, TallyCodec.encode(levels))
    }
  }
}
