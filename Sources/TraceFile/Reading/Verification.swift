extension TraceReader {
  /// Reads every byte of the file and says all that is wrong; empty when nothing is.
  package func verify() throws(TraceError) -> [TraceDamage] { try check().damage }

  /// Reads every byte of the file: all that is wrong, and the hash of its content.
  ///
  /// The hash does not depend on how well the content is compressed, so that traces of two versions
  /// of libzstd compare; nil when a block cannot be read.
  package func check() throws(TraceError) -> (damage: [TraceDamage], contentHash: UInt64?) {
    var found = contents.damage
    let walker = try BlockWalker(file, from: min(Int64(FileHeader.size), file.size))
    if contents.hasFooter {
      found += walker.damage
      let index = walker.blocks.last
      if walker.blocks.dropLast() != contents.blocks[...] || index?.header.kind != .index {
        found.append(TraceDamage(.footer, offset: walker.end))
      } else if try !isSeekTableSound(walker.blocks) {
        found.append(TraceDamage(.footer, offset: walker.end))
      }
    }
    var hash = ContentHash()
    for block in contents.blocks {
      if let raw = try FooterReader.readContent(file, decompressor, block), isSound(raw, block) {
        hash.add(block.header, raw)
        continue
      }
      hash.isWhole = false
      let damage = block.damage(.badBlock)
      if !found.contains(damage) { found.append(damage) }
    }
    return (found, hash.value)
  }

  private func isSeekTableSound(_ blocks: [BlockEntry]) throws(TraceError) -> Bool {
    var expected = SeekTable()
    expected.add(compressed: FileHeader.size, raw: 0)
    for block in blocks {
      expected.add(compressed: BlockHeader.frameSize, raw: 0)
      expected.add(compressed: Int(block.header.compressedSize), raw: Int(block.header.rawSize))
    }
    return try FooterReader.readTable(file) == expected
  }

  private func isSound(_ raw: [UInt8], _ block: BlockEntry) -> Bool {
    let count = Int(block.header.count)
    switch block.header.kind {
    case .transfers: return Self.batches(raw, block.header, TrackID.dmaEngines) != nil
    case .events: return EventDecoder.decode(raw, count: count) != nil
    case .samples: return SampleCodec.decode(raw, count: count) != nil
    case .program: return ProgramCodec.decode(raw, count: count) != nil
    case .invocations: return InvocationCodec.decode(raw, count: count) != nil
    case .levels: return Self.levels(raw, block.header) != nil
    case .rowTotals:
      return TallyCodec.rowTotals(raw, count: count, rowCount: program.count) != nil
    case .table: return TraceTable(decoding: raw, rowCount: count) != nil
    default: return true
    }
  }
}

/// The hash of what a file's blocks hold, in the order of the file.
struct ContentHash {
  private var digests = ByteWriter()
  /// Whether no block was left out.
  var isWhole = true

  /// Adds a block: kind, track, two zero bytes, count, and the XXH64 of its content.
  mutating func add(_ header: BlockHeader, _ raw: [UInt8]) {
    digests.put(header.kind.rawValue)
    digests.put(header.track)
    digests.put(UInt16(0))
    digests.put(header.count)
    digests.put(XXH64.hash(raw))
  }

  /// The XXH64 of all that was added; nil when something was left out.
  var value: UInt64? { isWhole ? XXH64.hash(digests.bytes) : nil }
}
