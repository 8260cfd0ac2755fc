/// Finds the blocks from the end of a file: seek table, index, summary.
enum FooterReader {
  /// All blocks but the index itself, in order; nil when any part of the footer does not hold.
  static func readIndex(
    _ file: borrowing InputFile, _ decompressor: borrowing ZstdDecompressor
  ) throws(TraceError) -> [BlockEntry]? {
    guard let table = try readTable(file), table.entries.count >= 3,
      let last = table.entries.last
    else { return nil }
    let offset = table.offset - Int64(last.compressedSize) - Int64(BlockHeader.frameSize)
    guard let entry = try readHeader(file, at: offset), entry.header.kind == .index,
      entry.end == table.offset,
      let raw = try readContent(file, decompressor, entry),
      raw.count == Int(entry.header.count) * BlockHeader.contentSize
    else { return nil }
    return entries(raw, index: entry)
  }

  private static func entries(_ raw: [UInt8], index: BlockEntry) -> [BlockEntry]? {
    var blocks: [BlockEntry] = []
    blocks.reserveCapacity(Int(index.header.count))
    var offset = Int64(FileHeader.size)
    for start in stride(from: 0, to: raw.count, by: BlockHeader.contentSize) {
      guard let header = BlockHeader(content: raw[start..<start + BlockHeader.contentSize])
      else { return nil }
      let entry = BlockEntry(header: header, offset: offset)
      blocks.append(entry)
      offset = entry.end
    }
    // The blocks must end where the index begins: otherwise bytes in between are missing.
    return offset == index.offset ? blocks : nil
  }

  /// The seek table, if it accounts for every byte before it.
  static func readTable(_ file: borrowing InputFile) throws(TraceError) -> SeekTable? {
    let footer = try file.read(
      at: file.size - Int64(SeekTable.footerSize), count: SeekTable.footerSize)
    guard let size = SeekTable.frameSize(footer: footer), Int64(size) < file.size,
      let table = SeekTable(frame: try file.read(at: file.size - Int64(size), count: size)),
      table.offset == file.size - Int64(size)
    else { return nil }
    return table
  }

  /// The block whose header frame begins at `offset`; nil when there is none.
  static func readHeader(
    _ file: borrowing InputFile, at offset: Int64
  ) throws(TraceError) -> BlockEntry? {
    guard offset >= 0 else { return nil }
    let bytes = try file.read(at: offset, count: BlockHeader.frameSize)
    return header(bytes[...]).map { BlockEntry(header: $0, offset: offset) }
  }

  /// The header in a whole header frame.
  static func header(_ frame: ArraySlice<UInt8>) -> BlockHeader? {
    var reader = ByteReader(frame)
    guard frame.count == BlockHeader.frameSize, reader.take(UInt32.self) == Frame.block,
      reader.take(UInt32.self) == UInt32(BlockHeader.contentSize)
    else { return nil }
    return BlockHeader(content: frame.dropFirst(Frame.prefixSize))
  }

  /// The decoded content of a block; nil when it is cut or does not match its hash.
  static func readContent(
    _ file: borrowing InputFile, _ decompressor: borrowing ZstdDecompressor, _ entry: BlockEntry
  ) throws(TraceError) -> [UInt8]? {
    try readFrame(file, entry).flatMap { content($0, decompressor, entry) }
  }

  /// A block's zstd frame, unchecked; nil when it is cut.
  static func readFrame(
    _ file: borrowing InputFile, _ entry: BlockEntry
  ) throws(TraceError) -> [UInt8]? {
    guard entry.end <= file.size else { return nil }
    return try file.read(at: entry.contentOffset, count: Int(entry.header.compressedSize))
  }

  /// The content of a block's frame; nil when it is cut or does not match its hash.
  static func content(
    _ frame: [UInt8], _ decompressor: borrowing ZstdDecompressor, _ entry: BlockEntry
  ) -> [UInt8]? {
    guard frame.count == Int(entry.header.compressedSize),
      XXH64.hash(frame) == entry.header.hash
    else { return nil }
    return decompressor.decompress(frame, rawSize: Int(entry.header.rawSize))
  }
}
