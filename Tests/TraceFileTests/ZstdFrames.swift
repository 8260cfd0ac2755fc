import CZstd
import TraceFile

/// Takes blocks apart and puts changed ones together, for tests of what a reader refuses.
enum ZstdFrames {
  /// The little-endian number of four bytes at a place.
  static func number(_ content: [UInt8], _ place: Int) -> Int {
    content[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// Writes a little-endian number at a place.
  static func put<T: FixedWidthInteger>(_ value: T, _ place: Int, _ bytes: inout [UInt8]) {
    for index in 0..<T.bitWidth / 8 {
      bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * T(index)))
    }
  }

  /// The content of a frame of that many bytes.
  static func decoded(_ frame: [UInt8], size: Int) -> [UInt8] {
    unsafe recode(frame, capacity: size) {
      unsafe ZSTD_decompress($0.baseAddress, $0.count, $1.baseAddress, $1.count)
    }
  }

  /// A block with other content, sizes and checksums made right.
  static func block(header: [UInt8], content: [UInt8]) -> [UInt8] {
    let frame = unsafe recode(content, capacity: content.count + 1_000) {
      unsafe ZSTD_compress($0.baseAddress, $0.count, $1.baseAddress, $1.count, 3)
    }
    var header = header
    put(UInt32(frame.count), 56, &header)
    put(UInt32(content.count), 60, &header)
    put(XXH64.hash(frame), 64, &header)
    put(CRC32C.checksum(header[8..<168]), 168, &header)
    return header + frame
  }

  private static func recode(
    _ source: [UInt8], capacity: Int,
    _ code: (UnsafeMutableRawBufferPointer, UnsafeRawBufferPointer) -> Int
  ) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: capacity)
    let size = unsafe target.withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { unsafe code(target, $0) }
    }
    return Array(target.prefix(size))
  }
}
