import CPrefetch

/// Tells the host's caches what is read next. Values never depend on it.
public enum CacheHint {
  private static let lineBytes = 64

  /// Floats in a cache line.
  @inline(__always)
  static var lineFloats: Int { lineBytes / MemoryLayout<Float>.size }

  /// How many rows ahead of the one that is worked on a loop asks: rows lie pages apart, and one
  /// takes about a tenth of the time that memory takes to answer.
  public static let rowsAhead = 10

  /// Asks for the lines of a row that is read soon, the first few: a row's first access waits for
  /// memory where rows lie pages apart, and what follows it is fetched ahead by the processor.
  ///
  /// Any address will do, also one that nothing may read.
  public static func willRead(_ row: UnsafeRawPointer, byteCount: Int) {
    var offset = 0
    while offset < min(byteCount, 4 * lineBytes) {
      unsafe prefetch_to_read(row + offset)
      offset += lineBytes
    }
  }

  /// Asks for so many lines from an address on, which may be any.
  @inline(__always)
  static func willRead(_ floats: UnsafePointer<Float>, lineCount: Int) {
    for line in 0..<lineCount { unsafe prefetch_to_read(floats + line * lineFloats) }
  }
}
