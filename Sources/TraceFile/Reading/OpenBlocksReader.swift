/// Records of one track that a killed run had not yet written as a block.
struct OpenRecords {
  var events: [TraceEvent] = []
  var samples: [TraceSample] = []
}

/// Reads the side file of a killed run.
enum OpenBlocksReader {
  /// What was found, by track, and what of the side file does not check out.
  struct Result {
    var tracks = TrackID.all.map { _ in OpenRecords() }
    var damage: [TraceDamage] = []
  }

  /// Reads what follows `events` and `samples`, the records per track that the main file holds, and
  /// the transfers that it holds.
  ///
  /// Nil when there is no side file, or none of this trace (`identity` is the metadata's hash).
  static func read(
    tracePath: String, identity: UInt64?, events: [Int64], samples: [Int64], transfers: Int64
  ) -> Result? {
    let path = OpenBlocks.path(for: tracePath)
    guard let identity, let file = try? InputFile(opening: path),
      let header = try? file.read(at: 0, count: OpenBlocks.fileHeaderSize),
      header == OpenBlocks.fileHeader(identity: identity)
    else { return nil }
    var result = Result()
    for track in TrackID.all {
      let index = Int(track.rawValue)
      for bytes in chunks(file, OpenBlocks.events, track, after: events[index], &result.damage) {
        result.tracks[index].events += RawRecords.events(bytes)
      }
      for bytes in chunks(file, OpenBlocks.samples, track, after: samples[index], &result.damage) {
        result.tracks[index].samples += RawRecords.samples(bytes)
      }
    }
    for bytes in chunks(file, OpenBlocks.transfers, .dma(0), after: transfers, &result.damage) {
      let prelude = OpenBlocks.transfers.preludeSize
      guard let skews = RawRecords.skews(bytes[..<prelude]) else { break }
      let transfers = RawRecords.transfers(bytes[prelude...])
      for engine in 0..<TrackID.dmaCount {
        result.tracks[Int(TrackID.dma(engine).rawValue)].events +=
          skews.records(of: transfers, engine: engine).prefix { $0.isWithinLimits }
      }
    }
    return result
  }

  /// The contents of the chunks that continue the track without a gap.
  private static func chunks(
    _ file: borrowing InputFile, _ family: OpenBlocks.Family, _ track: TrackID, after: Int64,
    _ damage: inout [TraceDamage]
  ) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for chunk in 0..<family.chunksPerTrack {
      let offset = family.offset(track: track, chunk: chunk)
      let first = after + Int64(chunk * family.recordsPerChunk)
      guard let bytes = try? file.read(at: offset, count: OpenBlocks.chunkHeaderSize),
        let header = OpenBlocks.readChunkHeader(bytes, family, track: track),
        header.firstRecord == first
      else { break }
      let size = family.contentSize
      guard
        let records = try? file.read(at: offset + Int64(bytes.count), count: size),
        records.count == size, XXH64.hash(records) == header.hash
      else {
        damage.append(
          TraceDamage(
            .openBlocks, offset: offset, length: Int64(family.chunkSize), track: track,
            records: Int64(family.recordsPerChunk)))
        break
      }
      found.append(records)
    }
    return found
  }
}
