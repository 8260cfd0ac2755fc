#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory of this process as the kernel counts it.
package enum ProcessMemory {
  /// The most bytes that were ever in physical memory at once; nil when the kernel does not say.
  /// It never falls, so a figure for one run needs a process of its own.
  package static func peakResidentBytes() -> Int? {
    var usage = rusage()
    #if canImport(Glibc)
      let result = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      let result = unsafe getrusage(RUSAGE_SELF, &usage)
    #endif
    guard result == 0 else { return nil }
    #if os(Linux)
      let unitBytes = 1024
    #else
      let unitBytes = 1
    #endif
    return Int(usage.ru_maxrss) * unitBytes
  }
}
