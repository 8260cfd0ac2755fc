/// What the executions of one program row add up to within a range.
struct RowTotal: Equatable, Sendable {
  /// Instructions that began in the range.
  var instructions: Int64 = 0
  /// Busy picoseconds on engines.
  var busy: Int64 = 0
  /// Stalled picoseconds on engines, by `StallCause`.
  var stall = SIMD8<Int64>()
  /// Transfers that began in the range.
  var transfers: Int64 = 0
  /// Busy picoseconds on DMA engines.
  var dmaBusy: Int64 = 0
}

/// Totals by program counter; counters without a row share the last place.
struct RowTotals: Equatable, Sendable {
  private(set) var totals: [RowTotal]

  init(rowCount: Int) { totals = Array(repeating: RowTotal(), count: rowCount + 1) }

  @inline(__always)
  mutating func update(_ programCounter: UInt32, _ change: (inout RowTotal) -> Void) {
    change(&totals[min(Int(programCounter), totals.count - 1)])
  }
}
