/// Finds the blocks from the front of a file, without its footer and across damage.
struct BlockWalker {
  private(set) var blocks: [BlockEntry] = []
  /// Blocks whose header stands but whose content is cut or overwritten.
  private(set) var broken: [BlockEntry] = []
  private(set) var damage: [TraceDamage] = []
  /// The first byte after the last readable block.
  private(set) var end: Int64 = 0

  private static let scanSize = 1 << 16

  /// Walks from `start` to the end of the file, or to a seek table.
  init(_ file: borrowing InputFile, from start: Int64) throws(TraceError) {
    var offset = start
    while offset < file.size {
      if let entry = try FooterReader.readHeader(file, at: offset) {
        guard entry.end <= file.size else {
          broken.append(entry)
          damage.append(entry.damage(.cutBlock))
          // The size of a block that was cut out of the middle points past the end: go on after
          // its header, in case there are later blocks.
          offset = try scan(file, from: entry.contentOffset) ?? file.size
          continue
        }
        blocks.append(entry)
        offset = entry.end
      } else if try isSeekTable(file, at: offset) {
        break
      } else if let last = blocks.last, last.end == offset, try !isIntact(file, last) {
        // The last block's size led nowhere and its content is wrong: look inside it.
        blocks.removeLast()
        broken.append(last)
        damage.append(last.damage(.badBlock))
        offset = try scan(file, from: last.contentOffset) ?? file.size
      } else {
        let found = try scan(file, from: offset + 1)
        // What follows the index is a damaged seek table, which the caller names as the footer.
        if found == nil, blocks.last?.header.kind == .index { break }
        let next = found ?? file.size
        damage.append(TraceDamage(.unreadable, offset: offset, length: next - offset))
        offset = next
      }
    }
    end = offset
  }

  private func isIntact(
    _ file: borrowing InputFile, _ entry: BlockEntry
  ) throws(TraceError) -> Bool {
    let size = Int(entry.header.compressedSize)
    return XXH64.hash(try file.read(at: entry.contentOffset, count: size)) == entry.header.hash
  }

  /// Whether everything from `offset` to the end of the file is a seek table.
  private func isSeekTable(
    _ file: borrowing InputFile, at offset: Int64
  ) throws(TraceError) -> Bool {
    guard offset + Int64(Frame.prefixSize + SeekTable.footerSize) <= file.size,
      file.size - offset < Int64(BlockHeader.sizeLimit)
    else { return false }
    let start = try file.read(at: offset, count: Frame.prefixSize)
    var reader = ByteReader(start)
    guard reader.take(UInt32.self) == Frame.seekTable else { return false }
    return SeekTable(frame: try file.read(at: offset, count: Int(file.size - offset))) != nil
  }

  /// The start of the first sound header frame at `start` or after; nil when there is none.
  private func scan(
    _ file: borrowing InputFile, from start: Int64
  ) throws(TraceError) -> Int64? {
    let marker = BlockHeader.syncMarker
    var offset = start
    while offset + Int64(BlockHeader.frameSize) <= file.size {
      let window = try file.read(at: offset, count: Self.scanSize + BlockHeader.frameSize)
      let last = window.count - BlockHeader.frameSize
      guard last >= 0 else { return nil }
      for place in 0...min(last, Self.scanSize - 1) {
        let markerStart = place + Frame.prefixSize
        if window[markerStart] == marker[0],
          window[markerStart..<markerStart + marker.count].elementsEqual(marker),
          FooterReader.header(window[place..<place + BlockHeader.frameSize]) != nil
        {
          return offset + Int64(place)
        }
      }
      offset += Int64(Self.scanSize)
    }
    return nil
  }
}
