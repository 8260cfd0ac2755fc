import CJemalloc

/// A block of zeroed memory from jemalloc, 64-byte aligned. Large blocks come as fresh zero pages,
/// so that what is never touched costs nothing.
@safe struct AlignedMemory: ~Copyable {
  /// The first byte.
  let base: UnsafeMutableRawPointer
  /// The size in bytes.
  let sizeBytes: Int

  private static let alignment = 64

  init(sizeBytes: Int) throws(MemoryError) {
    let size = max(sizeBytes, Self.alignment)
    // MALLOCX_ALIGN(64) | MALLOCX_ZERO: the logarithm of the alignment, and jemalloc's zero flag.
    let flags = Int32(Self.alignment.trailingZeroBitCount) | 0x40
    guard let base = unsafe mallocx(size, flags) else {
      throw MemoryError.outOfMemory(requestedBytes: size)
    }
    unsafe self.base = base
    self.sizeBytes = size
  }

  deinit { unsafe dallocx(base, 0) }
}

/// What can go wrong when the images of a core are made.
public enum MemoryError: Error, CustomStringConvertible, Hashable, Sendable {
  case outOfMemory(requestedBytes: Int)

  /// What was asked for and what to do.
  public var description: String {
    switch self {
    case .outOfMemory(let bytes):
      "the host has no \(bytes) bytes for a modelled memory; "
        + "use --mode timing, which needs no image of HBM, or a smaller workload"
    }
  }
}
