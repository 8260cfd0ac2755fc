/// What a block holds. Not an enum: kinds of later minor versions are read past, not refused.
struct BlockKind: RawRepresentable, Hashable {
  let rawValue: UInt8

  static let metadata = BlockKind(rawValue: 1)
  static let program = BlockKind(rawValue: 2)
  static let events = BlockKind(rawValue: 3)
  static let samples = BlockKind(rawValue: 4)
  static let summary = BlockKind(rawValue: 5)
  static let index = BlockKind(rawValue: 6)
  /// Since 1.1: the whole program in the recorder's own binary form.
  static let programBinary = BlockKind(rawValue: 7)
  /// Since 1.1: one track's time in equal bins.
  static let levels = BlockKind(rawValue: 8)
  /// Since 1.1: what the executions of each program row add up to.
  static let rowTotals = BlockKind(rawValue: 9)
  /// Since 1.1: rows of another tool's profile that belong to no track.
  static let table = BlockKind(rawValue: 10)
  /// Since 1.2: transfers that several DMA engines carry out alike.
  static let transfers = BlockKind(rawValue: 11)
  /// Since 1.5: which kernel ran when, and for what of the model.
  static let invocations = BlockKind(rawValue: 12)

  /// Whether blocks of this kind hold records.
  var holdsRecords: Bool { self == .events || self == .samples || self == .transfers }
}

/// What a block of events says of itself, so that totals need no decoding. Picoseconds; in a block
/// of samples `busy` and `stall` count samples.
struct BlockSummary: Equatable {
  var busy: Int64 = 0
  /// By `StallCause`.
  var stall = Array(repeating: Int64(0), count: StallCause.count)
  /// Bytes moved, on DMA tracks.
  var bytes: Int64 = 0
}

/// The fixed-size header before each block's zstd frame; see FORMAT.md for the byte layout.
struct BlockHeader: Equatable {
  var sequence: UInt32
  var kind: BlockKind
  /// The track's number; 255 for blocks of no track.
  var track: UInt8 = BlockHeader.noTrack
  /// Records, rows or index entries in the block.
  var count: UInt32
  /// The first row's program counter, in a block of program rows.
  var firstRow: UInt32 = 0
  /// The earliest time in the block, waits included.
  var timeMin: Int64 = 0
  /// The latest time in the block.
  var timeMax: Int64 = 0
  var compressedSize: UInt32 = 0
  var rawSize: UInt32 = 0
  /// XXH64 of the zstd frame.
  var hash: UInt64 = 0
  var summary = BlockSummary()
  /// The track's `TimelineCursor` before the block.
  var coveredUntil: Int64 = 0
  /// Records of this kind on this track in earlier blocks.
  var recordsBefore: Int64 = 0

  static let noTrack: UInt8 = 255
  /// Records in a full block.
  static let capacity = 65_536
  /// A zstd frame larger than this is damage, not data.
  static let sizeLimit: UInt32 = 1 << 30
  /// The content of the header frame.
  static let contentSize = 164
  /// The header frame with its prefix.
  static let frameSize = Frame.prefixSize + contentSize

  /// Sixteen bytes that a search finds in a damaged file.
  static let syncMarker: [UInt8] = [
    0xF4, 0x1C, 0xB7, 0x52, 0x9D, 0x03, 0xE8, 0x6A, 0x2F, 0xD1, 0x75, 0x8E, 0x40, 0xBB, 0x16, 0xC9,
  ]

  var content: [UInt8] {
    var out = ByteWriter()
    out.put(Self.syncMarker)
    out.put(sequence)
    out.put(kind.rawValue)
    out.put(track)
    out.put(UInt16(0))
    out.put(count)
    out.put(firstRow)
    out.put(timeMin)
    out.put(timeMax)
    out.put(compressedSize)
    out.put(rawSize)
    out.put(hash)
    out.put(summary.busy)
    for value in summary.stall { out.put(value) }
    out.put(summary.bytes)
    out.put(coveredUntil)
    out.put(recordsBefore)
    out.put(CRC32C.checksum(out.bytes[...]))
    return out.bytes
  }

  /// The whole skippable frame.
  var frame: [UInt8] {
    var out = ByteWriter()
    out.put(Frame.block)
    out.put(UInt32(Self.contentSize))
    out.put(content)
    return out.bytes
  }

  /// Reads a header's content; nil when its checksum, marker or kind does not hold.
  init?(content bytes: ArraySlice<UInt8>) {
    guard bytes.count == Self.contentSize else { return nil }
    var reader = ByteReader(bytes)
    var check = ByteReader(bytes.suffix(4))
    guard let marker = reader.take(count: 16), Array(marker) == Self.syncMarker,
      check.take(UInt32.self) == CRC32C.checksum(bytes.dropLast(4)),
      let sequence = reader.take(UInt32.self),
      let kind = reader.take(UInt8.self).map(BlockKind.init(rawValue:)),
      let track = reader.take(UInt8.self), reader.take(UInt16.self) != nil,
      let count = reader.take(UInt32.self)
    else { return nil }
    self.init(sequence: sequence, kind: kind, track: track, count: count)
    guard readRest(&reader), isSound else { return nil }
  }

  /// The writer numbers a block when it is written.
  init(
    sequence: UInt32 = 0, kind: BlockKind, track: UInt8 = BlockHeader.noTrack, count: UInt32
  ) {
    self.sequence = sequence
    self.kind = kind
    self.track = track
    self.count = count
  }

  private mutating func readRest(_ reader: inout ByteReader) -> Bool {
    func number(_ reader: inout ByteReader) -> Int64 { reader.take() ?? 0 }
    firstRow = reader.take() ?? 0
    timeMin = number(&reader)
    timeMax = number(&reader)
    compressedSize = reader.take() ?? 0
    rawSize = reader.take() ?? 0
    hash = reader.take() ?? 0
    summary.busy = number(&reader)
    for index in summary.stall.indices { summary.stall[index] = number(&reader) }
    summary.bytes = number(&reader)
    coveredUntil = number(&reader)
    recordsBefore = number(&reader)
    return reader.remaining == 4
  }

  /// Limits that every honest header keeps, so that no later arithmetic can overflow.
  var isSound: Bool {
    let onTrack = kind == .events || kind == .samples
    let times = [timeMin, timeMax, coveredUntil].allSatisfy { abs($0 / 2) <= TraceEvent.limit }
    return compressedSize <= Self.sizeLimit && rawSize <= Self.sizeLimit && times
      && timeMin <= timeMax && recordsBefore >= 0 && recordsBefore <= TraceEvent.limit
      && (!onTrack || TrackID(rawValue: track) != nil && count <= Self.capacity)
      && (kind != .transfers || count <= Self.capacity && shareCounts.allSatisfy { $0 <= count })
  }

  /// Of a block of transfers: the records on each DMA track. They stand where other blocks have
  /// stalled time, two to a place, so that a block whose content is lost says what it held.
  var shareCounts: [Int] {
    get {
      summary.stall.flatMap { pair in
        [UInt32(truncatingIfNeeded: pair), UInt32(truncatingIfNeeded: pair >> 32)].map(Int.init)
      }
    }
    set {
      for index in summary.stall.indices {
        summary.stall[index] = Int64(newValue[2 * index]) | Int64(newValue[2 * index + 1]) << 32
      }
    }
  }

  /// Records on all tracks.
  var recordCount: Int { kind == .transfers ? shareCounts.reduce(0, +) : Int(count) }
}
