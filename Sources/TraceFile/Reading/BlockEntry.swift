/// Where a block lies in the file.
struct BlockEntry: Equatable {
  var header: BlockHeader
  /// The first byte of the header's frame.
  var offset: Int64

  /// The first byte of the zstd frame.
  var contentOffset: Int64 { offset + Int64(BlockHeader.frameSize) }
  /// The first byte after the block.
  var end: Int64 { contentOffset + Int64(header.compressedSize) }

  /// The block as a damage report.
  func damage(_ kind: TraceDamage.Kind) -> TraceDamage {
    let track = TrackID(rawValue: header.track)
    return TraceDamage(
      kind, offset: offset, length: end - offset, sequence: header.sequence, track: track,
      records: track == nil ? nil : Int64(header.count),
      from: track == nil ? nil : header.timeMin, to: track == nil ? nil : header.timeMax)
  }
}
