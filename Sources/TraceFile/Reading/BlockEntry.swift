import Units

/// Where a block lies in the file.
struct BlockEntry: Equatable {
  var header: BlockHeader
  /// The first byte of the header's frame.
  var offset: Int64

  /// The first byte of the zstd frame.
  var contentOffset: Int64 { offset + Int64(BlockHeader.frameSize) }
  /// The first byte after the block.
  var end: Int64 { contentOffset + Int64(header.compressedSize) }

  /// Whether the block holds events of a track.
  func holds(_ track: TrackID) -> Bool {
    switch header.kind {
    case .events: header.track == track.rawValue
    case .transfers: track.isDMA && header.shareCounts[track.dmaIndex] > 0
    default: false
    }
  }

  /// Whether records of the block may touch `from..<to`.
  func touches(_ from: Picoseconds?, _ to: Picoseconds?) -> Bool {
    header.timeMax >= (from?.value ?? .min) && header.timeMin < (to?.value ?? .max)
  }

  /// The block as a damage report.
  func damage(_ kind: TraceDamage.Kind) -> TraceDamage {
    // Of sums that the footer holds of a track no record is missing.
    let track = header.kind.holdsRecords ? TrackID(rawValue: header.track) : nil
    if header.kind == .transfers {
      var damage = TraceDamage(
        kind, offset: offset, length: end - offset, sequence: header.sequence,
        records: Int64(header.recordCount), from: header.timeMin, to: header.timeMax)
      damage.dmaEngines = header.shareCounts.indices.filter { header.shareCounts[$0] > 0 }
      return damage
    }
    return TraceDamage(
      kind, offset: offset, length: end - offset, sequence: header.sequence, track: track,
      records: track == nil ? nil : Int64(header.count),
      from: track == nil ? nil : header.timeMin, to: track == nil ? nil : header.timeMax)
  }

  /// What one DMA engine's track loses with a block of transfers.
  func damage(_ kind: TraceDamage.Kind, engine: Int) -> TraceDamage {
    var damage = damage(kind)
    damage.dmaEngines = []
    damage.track = .dma(engine)
    damage.records = Int64(header.shareCounts[engine])
    return damage
  }
}
