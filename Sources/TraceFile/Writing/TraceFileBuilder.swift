import Units

/// Writes one trace file on one thread; the order of the calls alone decides every byte.
struct TraceFileBuilder: ~Copyable {
  /// What a track has gathered since its last full block.
  struct Track {
    var events: [TraceEvent] = []
    var samples = SampleBlock()
    /// Samples that fill no chunk of the side file yet; room for a whole one, once there is any.
    var openSamples: [TraceSample] = []
    /// How many of them there are.
    var openCount = 0
    var cursor = TimelineCursor()
    var totals: TrackTotals
  }

  var file: OutputFile
  var openBlocks: OpenBlocksFile
  let lanes: EncodingLanes
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
  var isShort = true
  var ring: BlockRing?
  /// Header and zstd frame of the block being written; kept for its capacity.
  var output: [UInt8] = []

  /// Creates the file and writes its header and metadata.
  static func create(
    path: String, metadata: TraceMetadata, retention: TraceRetention, skews: TransferSkews
  ) throws(TraceError) -> TraceFileBuilder {
    let document = try metadata.encoded()
    let lanes = try EncodingLanes(skews: skews)
    let file = try OutputFile(creating: path)
    let openBlocks = OpenBlocksFile(tracePath: path, identity: XXH64.hash(document))
    var builder = TraceFileBuilder(
      file: file, openBlocks: openBlocks, lanes: lanes, skews: skews)
    if case .last(let sizeBytes) = retention { builder.ring = BlockRing(limitBytes: sizeBytes) }
    try builder.begin(document)
    return builder
  }

  private init(
    file: consuming OutputFile, openBlocks: consuming OpenBlocksFile,
    lanes: EncodingLanes, skews: TransferSkews
  ) {
    self.skews = skews
    self.file = file
    self.openBlocks = openBlocks
    self.lanes = lanes
  }

  private mutating func begin(_ document: [UInt8]) throws(TraceError) {
    try file.append(FileHeader.encode(.current))
    seekTable.add(compressed: FileHeader.size, raw: 0)
    try writeBlock(BlockHeader(kind: .metadata, count: 1), document)
  }

  // MARK: Records

  /// Adds rows; the program counter of the first is the number of rows so far.
  mutating func append(program rows: [ProgramRow]) throws(TraceError) {
    var texts = StringTable()
    var encoder = try ProgramRowWriter()
    for row in rows { try encoder.append(CodedRow(row, &texts), texts) }
    try append(encoder.finish())
  }

  /// Adds rows, or the program's binary form, that were encoded already.
  mutating func append(_ program: ProgramBlocks) throws(TraceError) {
    for block in program.blocks {
      var header = BlockHeader(kind: block.kind, count: UInt32(block.count))
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
      BlockHeader(kind: .table, count: UInt32(clamping: table.rowCount)), table.encoded)
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
        try saveChunks(track, from: held, to: held + size)
      }
    }
  }

  /// Saves the chunks that became full when a track's events grew from `from` to `to`.
  private mutating func saveChunks(
    _ track: TrackID, from: Int, to: Int
  ) throws(TraceError) {
    let index = Int(track.rawValue)
    let family = OpenBlocks.events
    for chunk in from / family.recordsPerChunk..<to / family.recordsPerChunk {
      let first = chunk * family.recordsPerChunk
      let range = first * family.recordSize..<(first + family.recordsPerChunk) * family.recordSize
      let before = tracks[index].totals.events
      var failure: TraceError?
      unsafe tracks[index].events.withUnsafeBytes { bytes in
        do throws(TraceError) {
          // The chunk is full, so the range lies inside the records.
          try unsafe openBlocks.save(
            family, track: track, chunk: chunk, firstRecord: before + Int64(first),
            records: UnsafeRawBufferPointer(rebasing: bytes[range]))
        } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  // MARK: Blocks

  private mutating func writeEvents(_ track: TrackID) throws(TraceError) {
    let index = Int(track.rawValue)
    let cursor = tracks[index].cursor
    var events: [TraceEvent] = []
    swap(&events, &tracks[index].events)
    let header = try describe(events, of: track)
    try write(SealedBlock(header: header, content: .events(events)))
    // The first full block begins the tally, so it holds every record or none.
    if tally.isUsed || events.count == BlockHeader.capacity {
      tally.add(
        RunTally.Item(events: events, tracks: [RunTally.Share(track: track)], cursor: cursor),
        bytes: rowBytes)
    }
    events.removeAll(keepingCapacity: true)
    swap(&events, &tracks[index].events)
  }

  /// The header of a block of these events, which are added to the track's totals.
  mutating func describe(
    _ events: [TraceEvent], of track: TrackID
  ) throws(TraceError) -> BlockHeader {
    let index = Int(track.rawValue)
    var header = BlockHeader(kind: .events, track: track.rawValue, count: UInt32(events.count))
    header.coveredUntil = tracks[index].cursor.coveredUntil
    header.recordsBefore = tracks[index].totals.events
    let totals = EventTotals(
      events, cursor: &tracks[index].cursor, rowBytes: track.isDMA ? rowBytes : [])
    if let bad = totals.illegalIndex {
      throw .illegalRecord(track: track, index: header.recordsBefore + Int64(bad))
    }
    (header.timeMin, header.timeMax) = (totals.timeMin, totals.timeMax)
    header.summary = totals.summary
    tracks[index].totals.add(
      totals.summary, count: Int64(events.count), start: totals.timeMin, end: totals.timeMax)
    return header
  }

  /// Encodes, compresses and appends a block.
  mutating func write(_ block: SealedBlock) throws(TraceError) {
    // Of samples a greater effort would take longer than all else that closing a trace takes.
    let isShort = isShort && block.header.kind != .samples
    var output: [UInt8] = []
    swap(&output, &self.output)
    let rawSize = try lanes.use { (lane) throws(TraceError) in
      try lane.encode(block.content, isShort: isShort, into: &output)
    }
    swap(&output, &self.output)
    try writeOutput(block.header, rawSize: rawSize)
  }

  /// Compresses `raw` and appends the block.
  mutating func writeBlock(_ header: BlockHeader, _ raw: [UInt8]) throws(TraceError) {
    try write(SealedBlock(header: header, content: .encoded(raw)))
  }

  /// Completes the header in front of the frame in `output` and appends both in one go.
  mutating func writeOutput(_ start: BlockHeader, rawSize: Int) throws(TraceError) {
    var header = start
    header.sequence = UInt32(headers.count)
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
  mutating func appendOutput(_ header: BlockHeader) throws(TraceError) {
    try file.append(output)
    seekTable.add(compressed: BlockHeader.frameSize, raw: 0)
    seekTable.add(compressed: Int(header.compressedSize), raw: Int(header.rawSize))
    headers.append(header)
  }
}
