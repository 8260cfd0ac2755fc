import CJemalloc

/// The memory figures of jemalloc, which serves every allocation of the process once it is linked.
package enum Allocator {
  /// What jemalloc holds at one moment. Pages that a memory image has not touched yet may count as
  /// resident here; the kernel's figure in `ProcessMemory` does not count them.
  package struct Memory: Equatable, Sendable {
    /// Bytes in live allocations.
    package var allocatedBytes: Int
    /// Bytes in pages that hold live allocations.
    package var activeBytes: Int
    /// Bytes in pages that jemalloc takes to be in physical memory, its own records included.
    package var residentBytes: Int
    /// Bytes in address ranges that jemalloc has mapped for live pages.
    package var mappedBytes: Int
  }

  /// The version of the linked library, such as `5.3.0-0-g54eaed1d…`.
  package static func version() throws(BenchmarkRunnerError) -> String {
    var text: UnsafePointer<CChar>?
    try unsafe read("version", into: &text)
    // A pointer to a constant inside the library, which stays loaded.
    guard let text = unsafe text else { return "" }
    return unsafe String(cString: text)
  }

  /// Brings jemalloc's figures up to date and reads them.
  package static func memory() throws(BenchmarkRunnerError) -> Memory {
    try refresh()
    return Memory(
      allocatedBytes: try size("stats.allocated"), activeBytes: try size("stats.active"),
      residentBytes: try size("stats.resident"), mappedBytes: try size("stats.mapped"))
  }

  /// Bytes that the calling thread has ever allocated. Needs no refresh; other threads do not move
  /// it.
  package static func bytesAllocatedByThread() throws(BenchmarkRunnerError) -> UInt64 {
    var count: UInt64 = 0
    try unsafe read("thread.allocated", into: &count)
    return count
  }

  /// Whether Swift's own allocations come from jemalloc, found by making one.
  package static func servesSwift() throws(BenchmarkRunnerError) -> Bool {
    let probeBytes = 1 << 20
    let before = try bytesAllocatedByThread()
    let probe = allocate(byteCount: probeBytes)
    let after = try bytesAllocatedByThread()
    return probe.count == probeBytes && after - before >= UInt64(probeBytes)
  }

  /// Not inlined, so that the optimiser cannot prove the array useless and drop it.
  @inline(never)
  private static func allocate(byteCount: Int) -> [UInt8] {
    [UInt8](repeating: 1, count: byteCount)
  }

  /// The statistics are a snapshot; writing to `epoch` takes a new one.
  private static func refresh() throws(BenchmarkRunnerError) {
    var epoch: UInt64 = 1
    let errorNumber = unsafe mallctl("epoch", nil, nil, &epoch, MemoryLayout<UInt64>.size)
    try check(errorNumber, name: "epoch")
  }

  private static func size(_ name: String) throws(BenchmarkRunnerError) -> Int {
    var value = 0
    try unsafe read(name, into: &value)
    return value
  }

  /// Reads one control. jemalloc compares the size with its own and refuses a wrong one, so a
  /// mistaken type is an error and never a wrong write.
  @unsafe
  private static func read<Value: BitwiseCopyable>(
    _ name: String, into value: inout Value
  ) throws(BenchmarkRunnerError) {
    var size = MemoryLayout<Value>.size
    let errorNumber = unsafe mallctl(name, &value, &size, nil, 0)
    try check(errorNumber, name: name)
  }

  private static func check(_ errorNumber: Int32, name: String) throws(BenchmarkRunnerError) {
    guard errorNumber == 0 else {
      throw BenchmarkRunnerError.allocatorControl(name: name, errorNumber: errorNumber)
    }
  }
}
