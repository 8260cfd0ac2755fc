import Foundation

/// The bytes of a file; of a gzip file (RFC 1952) its content.
package enum GzipFile {
  /// The largest content that is read: a report of that size has some 20 million rows.
  private static let contentLimit = 8 << 30

  /// Reads a file.
  package static func read(path: String) throws(ProfileError) -> [UInt8] {
    let raw: [UInt8]
    do { raw = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
    return try content(of: raw, path: path)
  }

  /// The content of a gzip file, of one member after the other; other bytes as they are.
  package static func content(of raw: [UInt8], path: String) throws(ProfileError) -> [UInt8] {
    guard raw.starts(with: [0x1F, 0x8B]) else { return raw }
    var content: [UInt8] = []
    var position = 0
    while position < raw.count {
      do {
        let member = try member(raw, at: position, limit: contentLimit - content.count)
        if content.isEmpty { content = member.content } else { content += member.content }
        position = member.end
      } catch {
        throw .damagedArchive(path: path, reason: error.reason)
      }
    }
    return content
  }

  private static func member(
    _ raw: [UInt8], at start: Int, limit: Int
  ) throws(Inflater.Damage) -> (content: [UInt8], end: Int) {
    let body = try headerEnd(raw, at: start)
    var inflater = Inflater(raw, from: body, limit: limit)
    let (content, end) = try inflater.run()
    guard end + 8 <= raw.count else { throw .init(reason: "the file ends too early") }
    guard number(raw, at: end) == crc32(content) else { throw .init(reason: "wrong checksum") }
    guard number(raw, at: end + 4) == UInt32(truncatingIfNeeded: content.count) else {
      throw .init(reason: "wrong length")
    }
    return (content, end + 8)
  }

  /// Where a member's deflate stream begins.
  private static func headerEnd(_ raw: [UInt8], at start: Int) throws(Inflater.Damage) -> Int {
    let cut = Inflater.Damage(reason: "the file ends too early")
    guard start + 10 <= raw.count else { throw cut }
    guard raw[start] == 0x1F, raw[start + 1] == 0x8B, raw[start + 2] == 8 else {
      throw .init(reason: "bytes after the end that are no gzip member")
    }
    let flags = raw[start + 3]
    var position = start + 10
    if flags & 4 != 0 {
      guard position + 2 <= raw.count else { throw cut }
      position += 2 + Int(raw[position]) + Int(raw[position + 1]) << 8
    }
    // Name and comment end with a zero byte.
    for flag in [UInt8(8), 16] where flags & flag != 0 {
      guard position <= raw.count, let zero = raw[position...].firstIndex(of: 0) else { throw cut }
      position = zero + 1
    }
    if flags & 2 != 0 { position += 2 }
    guard position <= raw.count else { throw cut }
    return position
  }

  private static func number(_ raw: [UInt8], at position: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(raw[position + $1]) << UInt32(8 * $1) }
  }

  private static let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    let table = crcTable
    var value = UInt32.max
    for byte in bytes { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
    return ~value
  }
}
