#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension AlignedMemory {
  /// Larger blocks become resident as they are touched: a run may use little of them.
  private static let residentLimit = 1 << 30
  private static let pageBytes = 4096
  /// MADV_POPULATE_WRITE, from Linux 5.14 on.
  private static let populateWrite: Int32 = 23

  /// Asks the host for all pages at once, which takes less than one fault for each of them. A host
  /// that cannot do so gives them one by one later.
  func makeResident() {
    guard sizeBytes >= Self.pageBytes, sizeBytes <= Self.residentLimit else { return }
    #if canImport(Glibc) || canImport(Musl)
      let inside = unsafe Int(bitPattern: base) % Self.pageBytes
      _ = unsafe madvise(base - inside, sizeBytes + inside, Self.populateWrite)
    #endif
  }
}
