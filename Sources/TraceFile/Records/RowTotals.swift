/// What the executions of one program row add up to.
public struct RowTotal: Equatable, Sendable, BitwiseCopyable {
  /// Stalled picoseconds on engines, by `StallCause`; first, so that nothing is left out between.
  public var stall = SIMD8<Int64>()
  /// Executions on an engine.
  public var instructions: Int64 = 0
  /// Busy picoseconds on engines.
  public var busy: Int64 = 0
  /// Records on DMA tracks.
  public var transfers: Int64 = 0
  /// Busy picoseconds on DMA engines.
  public var dmaBusy: Int64 = 0

  /// No events yet.
  @inlinable public init() {}
}

/// Totals by program counter; counters without a row share the last place.
public struct RowTotals: Equatable, Sendable {
  /// One per row, and the last one for counters without a row.
  public private(set) var totals: [RowTotal]

  /// Zeros for so many rows.
  public init(rowCount: Int) {
    totals = Array(repeating: RowTotal(), count: rowCount + 1)
  }

  /// Totals as they stood in a file; the last one is of the counters without a row.
  init(_ totals: [RowTotal]) {
    precondition(!totals.isEmpty, "there is a place for counters without a row")
    self.totals = totals
  }

  /// Changes the total of a counter's row.
  @inline(__always)
  public mutating func update(_ programCounter: UInt32, _ change: (inout RowTotal) -> Void) {
    change(&totals[min(Int(programCounter), totals.count - 1)])
  }
}
