/// The memory behind one HBM image or several: the cores of a logical core see the same bytes.
///
/// Unchecked because whoever shares it runs its cores one after the other.
@safe public final class HBMMemory: @unchecked Sendable {
  private let memory: AlignedMemory
  fileprivate let base: UnsafeMutableRawPointer
  /// The size in bytes; zero in timing mode.
  public let sizeBytes: Int

  /// Zeroed memory. Of a large one, pages that nothing touches are never resident.
  public init(sizeBytes: Int) throws(MemoryError) {
    self.sizeBytes = sizeBytes
    memory = try AlignedMemory(sizeBytes: sizeBytes)
    memory.makeResident()
    unsafe base = memory.base
  }
}

/// The host image of the HBM that a program uses. Of a large one, pages that nothing touches are
/// never resident.
@safe public struct HBMImage: ~Copyable {
  private let memory: HBMMemory
  let base: UnsafeMutableRawPointer
  /// The size in bytes; zero in timing mode.
  public var sizeBytes: Int { memory.sizeBytes }

  init(_ memory: HBMMemory) {
    self.memory = memory
    unsafe base = memory.base
  }

  /// Copies bytes into HBM, as a host upload does.
  public func write(_ bytes: UnsafeRawBufferPointer, at address: Int) {
    precondition(address >= 0 && address + bytes.count <= sizeBytes, "the upload lies in HBM")
    guard let source = bytes.baseAddress else { return }
    unsafe (base + address).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Copies bytes out of HBM, as a host download does.
  public func read(_ bytes: UnsafeMutableRawBufferPointer, at address: Int) {
    precondition(address >= 0 && address + bytes.count <= sizeBytes, "the download lies in HBM")
    guard let target = bytes.baseAddress else { return }
    unsafe target.copyMemory(from: base + address, byteCount: bytes.count)
  }

  /// Uploads an array of plain values.
  public func upload<Element: BitwiseCopyable>(_ values: [Element], at address: Int) {
    unsafe values.withUnsafeBytes { bytes in unsafe write(bytes, at: address) }
  }

  /// Downloads `count` plain values.
  public func download<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int, at address: Int
  ) -> [Element] {
    unsafe [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe read(UnsafeMutableRawBufferPointer(buffer), at: address)
      initialized = count
    }
  }
}
