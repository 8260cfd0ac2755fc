import Foundation

/// What can go wrong around a run, outside the simulated machine.
package enum BenchmarkRunnerError: Error, Equatable, CustomStringConvertible {
  /// The allocator does not know a control name, or refuses to answer; `errorNumber` is `errno`.
  case allocatorControl(name: String, errorNumber: Int32)

  /// One sentence: what, where, and what to do.
  package var description: String {
    switch self {
    case .allocatorControl(let name, let errorNumber):
      let reason = POSIXErrorCode(rawValue: errorNumber).map { "\($0)" } ?? "unknown"
      return "jemalloc did not answer '\(name)' (errno \(errorNumber), \(reason)); "
        + "install a jemalloc 5 that was built with statistics"
    }
  }
}
