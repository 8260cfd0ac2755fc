import ProfileImport

/// A rate at which the tensor engine's activity limiter lets the array stream.
package enum LimiterRate: String, CaseIterable, Sendable {
  case full, half
}

/// When the array streamed at which rate. Picoseconds, all on one clock.
struct LimiterRates {
  /// The stretches of full rate, in order; half rate is what lies outside of them.
  let full: [Range<Int64>]

  /// What a capture's windows say: one that lets all rows through is written down, and the array
  /// follows it `lag` picoseconds later.
  init(_ report: ProfileReport, core: String, lag: Int64) {
    var found: [Range<Int64>] = []
    let windows = report.limiter.filter { $0.core == core && $0.allowed == $0.period }
    for window in windows.sorted(by: { $0.start < $1.start }) {
      let (start, end) = (window.start + lag, window.start + window.duration + lag)
      // The profiler cuts to whole nanoseconds, so that one may be missing between two windows.
      if let last = found.last, start <= last.upperBound + 1_000 {
        found[found.count - 1] = last.lowerBound..<max(last.upperBound, end)
      } else {
        found.append(start..<end)
      }
    }
    full = found
  }

  /// What the model's changes of the rate say.
  init(changes: [Int64], startsHalf: Bool) {
    let times = (startsHalf ? [] : [Int64.min]) + changes
    full = stride(from: 0, to: times.count, by: 2).map { index in
      times[index]..<(index + 1 < times.count ? times[index + 1] : .max)
    }
  }

  /// The rate from one time to another; nil where it changes in between.
  func rate(from start: Int64, to end: Int64) -> LimiterRate? {
    if full.contains(where: { $0.lowerBound <= start && end <= $0.upperBound }) { return .full }
    return full.contains { $0.lowerBound < end && start < $0.upperBound } ? nil : .half
  }
}
