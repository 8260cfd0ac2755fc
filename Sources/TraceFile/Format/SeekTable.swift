/// The table of the zstd seekable format: sizes of all frames, so that generic readers can seek
/// too.
struct SeekTable: Equatable {
  /// Sizes of one frame; a skippable frame decompresses to nothing.
  struct Entry: Equatable {
    var compressedSize: UInt32
    var rawSize: UInt32
  }

  private(set) var entries: [Entry] = []

  /// The end of the format: number of frames, descriptor, magic number.
  static let footerSize = 9
  private static let entrySize = 8

  init() {}

  mutating func add(compressed: Int, raw: Int) {
    entries.append(Entry(compressedSize: UInt32(compressed), rawSize: UInt32(raw)))
  }

  /// The size of the table's own frame.
  var frameSize: Int { Frame.prefixSize + entries.count * Self.entrySize + Self.footerSize }

  /// Where the table begins, which is the sum of all frames before it.
  var offset: Int64 { entries.reduce(0) { $0 + Int64($1.compressedSize) } }

  var frame: [UInt8] {
    var out = ByteWriter()
    out.put(Frame.seekTable)
    out.put(UInt32(frameSize - Frame.prefixSize))
    for entry in entries {
      out.put(entry.compressedSize)
      out.put(entry.rawSize)
    }
    out.put(UInt32(entries.count))
    out.put(UInt8(0))
    out.put(Frame.seekTableEnd)
    return out.bytes
  }

  /// The size of the table's frame, from the last bytes of a file; nil when they are no footer.
  static func frameSize(footer: [UInt8]) -> Int? {
    var reader = ByteReader(footer)
    guard footer.count == footerSize, let count = reader.take(UInt32.self),
      reader.take(UInt8.self) == 0, reader.take(UInt32.self) == Frame.seekTableEnd
    else { return nil }
    return Frame.prefixSize + Int(count) * entrySize + footerSize
  }

  /// Reads the table's whole frame.
  init?(frame bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    guard bytes.count >= Frame.prefixSize + Self.footerSize,
      reader.take(UInt32.self) == Frame.seekTable,
      reader.take(UInt32.self) == UInt32(bytes.count - Frame.prefixSize)
    else { return nil }
    for _ in 0..<(bytes.count - Frame.prefixSize - Self.footerSize) / Self.entrySize {
      guard let compressed = reader.take(UInt32.self), let raw = reader.take(UInt32.self) else {
        return nil
      }
      entries.append(Entry(compressedSize: compressed, rawSize: raw))
    }
    guard Self.frameSize(footer: Array(bytes.suffix(Self.footerSize))) == bytes.count else {
      return nil
    }
  }
}
