/// A clock whose period is an exact ratio of picoseconds, so that cycles convert without drift.
public struct Clock: Hashable, Sendable, BitwiseCopyable {
  /// The period is `numerator / denominator` picoseconds.
  public let numerator: Int64
  /// See `numerator`.
  public let denominator: Int64

  /// A clock of that period; both numbers are positive.
  @inlinable public init(periodPicoseconds numerator: Int64, over denominator: Int64) {
    precondition(numerator > 0 && denominator > 0, "a clock period is positive")
    self.numerator = numerator
    self.denominator = denominator
  }

  /// A whole law converted once: `tenths` tenths of a cycle, rounded half up to a picosecond.
  @inlinable public func picoseconds(tenthsOfCycles tenths: Int64) -> Picoseconds {
    let scaled = tenths * numerator
    let divisor = denominator * 10
    return Picoseconds((2 * scaled + divisor) / (2 * divisor))
  }

  /// A law with rates in hundredths of a cycle converted once, rounded half up to a picosecond.
  @inlinable public func picoseconds(hundredthsOfCycles hundredths: Int64) -> Picoseconds {
    let scaled = hundredths * numerator
    let divisor = denominator * 100
    return Picoseconds((2 * scaled + divisor) / (2 * divisor))
  }

  /// Whole cycles, rounded half up to a picosecond.
  @inlinable public func picoseconds(cycles: Int64) -> Picoseconds {
    Picoseconds((2 * cycles * numerator + denominator) / (2 * denominator))
  }

  /// For printing only: the frequency in gigahertz.
  public var gigahertz: Double { 1e3 * Double(denominator) / Double(numerator) }
}
