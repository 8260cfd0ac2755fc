public import Units

/// Splits a track's time into busy, stalled and idle without counting any picosecond twice.
///
/// Records may overlap (a pipelined engine, two rings of one DMA engine). Walking them in order of
/// start, each record gets only what no earlier one covered: busy time from its own interval, stall
/// time from the wait before it. What nobody covers is idle, so the parts add up to the whole.
public struct TimelineCursor: Sendable, BitwiseCopyable {
  /// Every picosecond before this one is already given to a record or idle for good.
  public var coveredUntil: Int64

  @inlinable public init(coveredUntil: Int64 = .min / 4) { self.coveredUntil = coveredUntil }

  /// What one record adds: `stallStart..<busyStart` stalled and `busyStart..<busyEnd` busy.
  public struct Placement: Sendable, BitwiseCopyable {
    /// The first stalled picosecond; `busyStart` when there is none.
    public var stallStart: Int64
    /// The first busy picosecond that no earlier record covers.
    public var busyStart: Int64
    /// The end of the busy time.
    public var busyEnd: Int64

    @inlinable init(stallStart: Int64, busyStart: Int64, busyEnd: Int64) {
      self.stallStart = stallStart
      self.busyStart = busyStart
      self.busyEnd = busyEnd
    }
  }

  /// Places the next record of the track.
  @inlinable public mutating func place(_ event: TraceEvent) -> Placement {
    let start = event.start.value
    let busyStart = max(coveredUntil, start)
    let stallStart = min(busyStart, max(coveredUntil, start &- event.wait.value))
    let busyEnd = max(busyStart, start &+ event.duration.value)
    coveredUntil = busyEnd
    return Placement(stallStart: stallStart, busyStart: busyStart, busyEnd: busyEnd)
  }
}
