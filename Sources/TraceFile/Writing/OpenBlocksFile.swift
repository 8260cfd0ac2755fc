import Foundation

/// The layout of `<name>.open`, the side file that keeps what no full block holds yet.
///
/// Each track has fixed places for chunks of raw records, rewritten in place; a chunk names the
/// number of its first record, so a reader knows which chunks the main file has overtaken.
enum OpenBlocks {
  /// Events in a chunk: what a killed run loses per track at most.
  static let eventsPerChunk = 16_384
  /// Samples in a chunk; fewer would make rewriting the side file the cost of sampling.
  static let samplesPerChunk = 4_096
  /// Transfers in a chunk.
  static let transfersPerChunk = 16_384
  static let chunkHeaderSize = 64
  static let fileHeaderSize = 64
  static let magic: [UInt8] = [0x89, 0x54, 0x52, 0x4F, 0x0D, 0x0A, 0x1A, 0x0A]
  private static let chunkMarker: UInt32 = 0x4B4E_4843

  /// One of the families of chunks.
  struct Family {
    var kind: BlockKind
    var recordSize: Int
    var recordsPerChunk: Int
    /// The first byte of the family's places.
    var base: Int64
    /// The tracks that have places.
    var tracks = TrackID.all
    /// Bytes before a chunk's records.
    var preludeSize = 0

    var contentSize: Int { preludeSize + recordSize * recordsPerChunk }
    var chunkSize: Int { chunkHeaderSize + contentSize }
    var chunksPerTrack: Int { BlockHeader.capacity / recordsPerChunk }
    var size: Int64 { Int64(chunkSize * chunksPerTrack * tracks.count) }

    func offset(track: TrackID, chunk: Int) -> Int64 {
      let place = Int(track.rawValue) - Int(tracks[0].rawValue)
      return base + Int64((place * chunksPerTrack + chunk) * chunkSize)
    }
  }

  static let events = Family(
    kind: .events, recordSize: MemoryLayout<TraceEvent>.stride, recordsPerChunk: eventsPerChunk,
    base: Int64(fileHeaderSize))
  static let samples = Family(
    kind: .samples, recordSize: MemoryLayout<TraceSample>.stride, recordsPerChunk: samplesPerChunk,
    base: Int64(fileHeaderSize) + events.size)
  /// Transfers of all DMA engines, under the track of the first. The skews stand before them.
  static let transfers = Family(
    kind: .transfers, recordSize: MemoryLayout<TraceTransfer>.stride,
    recordsPerChunk: transfersPerChunk, base: samples.base + samples.size,
    tracks: [.dma(0)], preludeSize: TrackID.dmaCount * MemoryLayout<Int64>.size)

  static func path(for tracePath: String) -> String { tracePath + ".open" }

  /// `identity` is the hash of the trace's metadata frame, so that a stale side file is not used.
  static func fileHeader(identity: UInt64) -> [UInt8] {
    var out = ByteWriter()
    out.put(magic)
    out.put(FormatVersion.current.major)
    out.put(FormatVersion.current.minor)
    out.put(UInt32(0))
    out.put(identity)
    out.put(CRC32C.checksum(out.bytes[...]))
    out.put([UInt8](repeating: 0, count: fileHeaderSize - out.bytes.count))
    return out.bytes
  }

  static func chunkHeader(
    _ family: Family, track: TrackID, firstRecord: Int64, hash: UInt64
  ) -> [UInt8] {
    var out = ByteWriter()
    out.put(chunkMarker)
    out.put(family.kind.rawValue)
    out.put(track.rawValue)
    out.put(UInt16(0))
    out.put(firstRecord)
    out.put(hash)
    out.put(CRC32C.checksum(out.bytes[...]))
    out.put([UInt8](repeating: 0, count: chunkHeaderSize - out.bytes.count))
    return out.bytes
  }

  /// The first record and the hash that a chunk's header names; nil when it is not this chunk's.
  static func readChunkHeader(
    _ bytes: [UInt8], _ family: Family, track: TrackID
  ) -> (firstRecord: Int64, hash: UInt64)? {
    var reader = ByteReader(bytes)
    guard bytes.count >= chunkHeaderSize, reader.take(UInt32.self) == chunkMarker,
      reader.take(UInt8.self) == family.kind.rawValue,
      reader.take(UInt8.self) == track.rawValue, reader.take(UInt16.self) == 0,
      let first = reader.take(Int64.self), let hash = reader.take(UInt64.self),
      reader.take(UInt32.self) == CRC32C.checksum(bytes[..<24])
    else { return nil }
    return (first, hash)
  }
}

/// Writes the side file. It is created with the first chunk and removed when the trace closes.
struct OpenBlocksFile: ~Copyable {
  private let path: String
  private let identity: UInt64
  private var file: OutputFile?

  /// Removes a side file that an earlier run of the same name left behind.
  init(tracePath: String, identity: UInt64) {
    path = OpenBlocks.path(for: tracePath)
    self.identity = identity
    unsafe unlink(path)
  }

  /// Puts one full chunk of records in its place: content first, so that a header never lies.
  mutating func save(
    _ family: OpenBlocks.Family, track: TrackID, chunk: Int, firstRecord: Int64,
    records: UnsafeRawBufferPointer
  ) throws(TraceError) {
    if file == nil {
      let created = try OutputFile(creating: path)
      try created.append(OpenBlocks.fileHeader(identity: identity))
      file = consume created
    }
    let offset = family.offset(track: track, chunk: chunk)
    let header = OpenBlocks.chunkHeader(
      family, track: track, firstRecord: firstRecord, hash: XXH64.hash(records))
    try unsafe write(records, at: offset + Int64(OpenBlocks.chunkHeaderSize))
    var failure: TraceError?
    unsafe header.withUnsafeBytes { bytes in
      do throws(TraceError) { try unsafe write(bytes, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TraceError) {
    try unsafe file?.write(bytes, at: offset)
  }

  /// Closes and removes the side file.
  mutating func remove() throws(TraceError) {
    guard file != nil else { return }
    try file?.finish()
    file = nil
    unsafe unlink(path)
  }
}
