import CPrefetch

/// Tells the host's caches what is read next. Values never depend on it.
public enum CacheHint {
  private static let lineBytes = 64

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
}
