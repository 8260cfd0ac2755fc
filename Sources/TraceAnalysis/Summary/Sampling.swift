/// How far a share that was estimated from samples may be from the true one.
///
/// Each interval has one sample, at an instant drawn from it. The bound is that of independent
/// draws, the widest over all shares, and one sample for the ends of the range: draws from parts of
/// the range vary less than draws from the whole of it, whatever the period of a program.
package struct Sampling: Equatable, Sendable {
  /// Picoseconds from one sample of an engine to the next.
  package let interval: Int64
  /// Samples of each engine in the range.
  package let count: Int64

  /// Nil without an interval or with a range that holds no sample.
  init?(interval: Int64, range: Int64) {
    guard interval > 0, range > 0 else { return nil }
    self.interval = interval
    count = (range + interval - 1) / interval
  }

  /// Percentage points by which a share may be off, with a confidence of 95 %.
  package var halfWidthPercent: Double {
    let draws = Double(count)
    return min(100, 100 * (1.96 * 0.5 / draws.squareRoot() + 1 / draws))
  }
}
