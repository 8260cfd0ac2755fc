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

  /// Adds what a batch's records add to their track, each picosecond once.
  mutating func add(_ batch: EventBatch) {
    guard let first = borders.first, let last = borders.last, !busy.isEmpty else { return }
    var cursor = batch.cursor
    var near = 0
    for event in batch {
      // What later records add lies behind what is covered.
      guard cursor.coveredUntil < last else { return }
      let place = cursor.place(event)
      guard place.busyEnd > first else { continue }
      if event.wait.value > 0 {
        let cause = Int(event.stallCause.rawValue)
        add(from: place.stallStart, to: place.busyStart, near: &near) { $0.stall[$1][cause] += $2 }
      }
      add(from: place.busyStart, to: place.busyEnd, near: &near) { $0.busy[$1] += $2 }
    }
  }

  /// Adds a state that lasted from `start` to `end`; `near` is a cell at or before its first one.
  mutating func add(
    isBusy: Bool, cause: StallCause?, from start: Int64, to end: Int64, near: inout Int
  ) {
    guard !busy.isEmpty else { return }
    if isBusy {
      add(from: start, to: end, near: &near) { $0.busy[$1] += $2 }
    } else if let cause {
      let place = Int(cause.rawValue)
      add(from: start, to: end, near: &near) { $0.stall[$1][place] += $2 }
    }
  }

  /// Hands the cells that a stretch of time touches to `change`, with how much of it lies in each.
  /// Stretches come in order, so that the first cell is at `near` or soon after it.
  @inline(__always)
  private mutating func add(
    from start: Int64, to end: Int64, near: inout Int,
    _ change: (inout StateBins, _ cell: Int, _ time: Int64) -> Void
  ) {
    var place = max(start, borders[0])
    let stop = min(end, borders[busy.count])
    guard place < stop else { return }
    while borders[near + 1] <= place { near += 1 }
    var cell = near
    while place < stop {
      let next = min(stop, borders[cell + 1])
      change(&self, cell, next - place)
      (place, cell) = (next, cell + 1)
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
