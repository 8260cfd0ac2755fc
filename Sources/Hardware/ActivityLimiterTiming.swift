public import Units

/// The tensor engine's activity limiter: half rate until a window was busy enough.
///
/// Windows follow each other from `phase`; the cycles streamed in one decide the rate of the next.
public struct ActivityLimiterTiming: Sendable {
  /// Length of a window in base cycles. Cycles.
  public var windowCycles: Constant<Int64>
  /// Tensor-engine cycles in a window at full rate. Cycles.
  public var fullCycles: Constant<Int64>
  /// From this share of the full cycles on, the next window runs at full rate: 3/8.
  public var thresholdNumerator: Constant<Int64>
  /// Denominator of the share; 1,000, so that the bracket can be written.
  public var thresholdDenominator: Constant<Int64>
  /// Rate while limited, in thousandths of the full rate. Thousandths.
  public var limitedRate: Constant<Int64>
  /// End of a window to the change of rate in the array.
  public var lag: Constant<Picoseconds>
  /// Start of the first window, counted from the first instruction of a run.
  public var phase: Constant<Picoseconds>
  /// The array starts limited.
  public var startsHalf: Constant<Bool>
  /// Unused rows of the array lower the count.
  public var countsRows: Constant<Bool>
}

extension ActivityLimiterTiming: ConstantGroup {
  static let entries: [ConstantEntry<ActivityLimiterTiming>] = [
    .init("windowCycles", \.windowCycles),
    .init("fullCycles", \.fullCycles),
    .init("thresholdNumerator", \.thresholdNumerator),
    .init("thresholdDenominator", \.thresholdDenominator),
    .init("limitedRate", \.limitedRate),
    .init("lag", \.lag),
    .init("phase", \.phase),
    .init("startsHalf", \.startsHalf),
    .init("countsRows", \.countsRows),
  ]
}
