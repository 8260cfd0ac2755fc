/// The version of the file format.
package struct FormatVersion: Equatable, Sendable, CustomStringConvertible {
  /// Readers refuse a greater one than their own.
  package var major: UInt16
  /// Grows with additions that older readers skip.
  package var minor: UInt16

  package init(major: UInt16, minor: UInt16) {
    self.major = major
    self.minor = minor
  }

  /// What this code writes.
  package static let current = FormatVersion(major: 1, minor: 6)

  /// `major.minor`.
  package var description: String { "\(major).\(minor)" }
}

/// Numbers of the zstd container that the format is made of.
enum Frame {
  /// Skippable frame of the file header.
  static let header: UInt32 = 0x184D_2A50
  /// Skippable frame of a block header.
  static let block: UInt32 = 0x184D_2A51
  /// Skippable frame of the zstd seekable format's table.
  static let seekTable: UInt32 = 0x184D_2A5E
  /// The last four bytes of the zstd seekable format.
  static let seekTableEnd: UInt32 = 0x8F92_EAB1
  /// Magic number and length before the content of a skippable frame.
  static let prefixSize = 8
}

/// The first frame of a file: magic bytes, version, checksum.
enum FileHeader {
  /// A byte that is not ASCII, the name, and line ends that a text conversion would change.
  static let magic: [UInt8] = [0x89, 0x54, 0x52, 0x4E, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Frame prefix, magic, major, minor, flags, CRC32C.
  static let size = Frame.prefixSize + 20

  static func encode(_ version: FormatVersion) -> [UInt8] {
    var content = ByteWriter()
    content.put(magic)
    content.put(version.major)
    content.put(version.minor)
    content.put(UInt32(0))
    content.put(CRC32C.checksum(content.bytes[...]))
    var frame = ByteWriter()
    frame.put(Frame.header)
    frame.put(UInt32(content.bytes.count))
    frame.put(content.bytes)
    return frame.bytes
  }

  /// The version, or nil when any byte of the header is not as it was written.
  static func decode(_ bytes: [UInt8]) -> FormatVersion? {
    var reader = ByteReader(bytes)
    guard reader.take(UInt32.self) == Frame.header, reader.take(UInt32.self) == 20,
      reader.take(count: magic.count).map(Array.init) == magic,
      let major = reader.take(UInt16.self), let minor = reader.take(UInt16.self),
      reader.take(UInt32.self) != nil, let checksum = reader.take(UInt32.self),
      checksum == CRC32C.checksum(bytes[Frame.prefixSize..<size - 4])
    else { return nil }
    return FormatVersion(major: major, minor: minor)
  }
}
