import TraceFile
import Units

/// How one track spent each cell of a range: busy and standing still by cause, exact.
package struct StateBins: Equatable, Sendable {
  /// The picosecond at which each cell begins, and the end of the last one.
  package let borders: [Int64]
  /// Busy picoseconds by cell.
  package private(set) var busy: [Int64]
  /// Picoseconds standing still by cell and cause.
  package private(set) var stall: [SIMD8<Int64>]

  /// Empty cells over `from..<to`; borders are multiples of `grain` but for the ends.
  package init(from: Int64, to: Int64, count: Int, grain: Int64 = 1) {
    borders = TimeBins(from: from, to: to, count: count, grain: grain).borders
    busy = Array(repeating: 0, count: count)
    stall = Array(repeating: SIMD8(), count: count)
  }

  /// The length of a cell.
  package func length(_ cell: Int) -> Int64 { borders[cell + 1] - borders[cell] }

  /// The cell of a time within the range.
  package func cell(of time: Int64) -> Int {
    var (low, high) = (0, max(0, busy.count - 1))
    while low < high {
      let middle = (low + high + 1) / 2
      if borders[middle] <= time { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// Adds busy time.
  mutating func addBusy(from start: Int64, to end: Int64) {
    for part in parts(start, end) { busy[part.cell] += part.time }
  }

  /// Adds time of standing still.
  mutating func addStall(_ cause: StallCause, from start: Int64, to end: Int64) {
    for part in parts(start, end) { stall[part.cell][Int(cause.rawValue)] += part.time }
  }

  /// The cells that a stretch of time touches, and how much of it lies in each.
  private func parts(_ start: Int64, _ end: Int64) -> Parts {
    guard let first = borders.first, let last = borders.last, !busy.isEmpty else {
      return Parts(borders: borders, place: 0, stop: 0, cell: 0)
    }
    let place = max(start, first)
    return Parts(borders: borders, place: place, stop: min(end, last), cell: cell(of: place))
  }

  private struct Parts: Sequence, IteratorProtocol {
    let borders: [Int64]
    var place: Int64
    let stop: Int64
    var cell: Int

    mutating func next() -> (cell: Int, time: Int64)? {
      while place < stop {
        let (own, end) = (cell, Swift.min(stop, borders[cell + 1]))
        let time = end - place
        (place, cell) = (end, cell + 1)
        if time > 0 { return (own, time) }
      }
      return nil
    }
  }

  /// Adds the bins of a footer that lie in the range.
  mutating func add(_ levels: TrackLevels) {
    guard let first = borders.first, let last = borders.last, !busy.isEmpty else { return }
    let low = max(0, Int(first >> levels.shift))
    let high = min(levels.count, Int((last - 1) >> levels.shift) + 1)
    guard low < high else { return }
    for bin in low..<high {
      let cell = cell(of: max(first, Int64(bin) << levels.shift))
      busy[cell] += levels.busy(bin)
      for cause in StallCause.allCases {
        stall[cell][Int(cause.rawValue)] += levels.stalled(bin, cause)
      }
    }
  }

  /// Adds another track's cells, for a row that shows several.
  package mutating func add(_ other: StateBins) {
    for cell in busy.indices {
      busy[cell] += other.busy[cell]
      stall[cell] &+= other.stall[cell]
    }
  }
}
