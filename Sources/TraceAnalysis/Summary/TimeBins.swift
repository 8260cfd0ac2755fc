/// A range of time cut into cells; each cell's busy time is exact, so the cells add up to the
/// whole.
package struct TimeBins: Equatable, Sendable {
  /// The picosecond at which each cell begins, and the end of the last one.
  package let borders: [Int64]
  /// Busy picoseconds in each cell.
  package private(set) var busy: [Int64]
  /// Picoseconds in each cell of which nothing is known; empty when that is none.
  package private(set) var missing: [Int64] = []
  /// What was added by weight, in each cell.
  private var weights: [Double] = []
  /// The cell of the last addition; records come in order, so the next one is near.
  private var current = 0

  /// `count` cells over `from..<to`, as equal as whole picoseconds allow.
  package init(from: Int64, to: Int64, count: Int) {
    let span = UInt64(max(0, to - from))
    borders = (0...max(0, count)).map { index in
      guard count > 0 else { return from }
      let product = span.multipliedFullWidth(by: UInt64(index))
      return from + Int64(UInt64(count).dividingFullWidth(product).quotient)
    }
    busy = Array(repeating: 0, count: max(0, count))
  }

  /// Cells over `from..<to` whose borders are multiples of `grain`, and bins of that length to
  /// fill them with.
  init(from: Int64, to: Int64, count: Int, grain: Int64) {
    let exact = TimeBins(from: from, to: to, count: count)
    borders = exact.borders.enumerated().map { index, border in
      index == 0 || index == count ? border : border / grain * grain
    }
    busy = exact.busy
  }

  /// Adds the busy time of a bin that begins at `start` to the cell in which it lies.
  mutating func add(bin start: Int64, busy time: Int64) {
    guard !busy.isEmpty else { return }
    busy[cell(of: start)] += time
  }

  /// The length of a cell.
  package func length(_ index: Int) -> Int64 { borders[index + 1] - borders[index] }

  /// Adds busy time from `start` to `end`; what lies outside the range is left out.
  package mutating func add(from start: Int64, to end: Int64) {
    guard !busy.isEmpty, let first = borders.first, let last = borders.last else { return }
    var place = max(start, first)
    let stop = min(end, last)
    guard place < stop else { return }
    if borders[current] > place { current = cell(of: place) }
    while place < stop {
      while borders[current + 1] <= place { current += 1 }
      let next = min(stop, borders[current + 1])
      busy[current] += next - place
      place = next
    }
  }

  /// Adds time of which nothing is known.
  mutating func addMissing(from start: Int64, to end: Int64) {
    guard !busy.isEmpty else { return }
    var other = TimeBins(from: borders[0], to: borders[busy.count], count: busy.count)
    other.add(from: start, to: end)
    if missing.isEmpty { missing = Array(repeating: 0, count: busy.count) }
    for index in missing.indices { missing[index] += other.busy[index] }
  }

  /// Spreads a weight evenly over the time from `start` to `end`; adds no busy time.
  mutating func add(from start: Int64, to end: Int64, weight: Int64) {
    guard start < end, !busy.isEmpty, weight != 0 else { return }
    if weights.isEmpty { weights = Array(repeating: 0, count: busy.count) }
    let density = Double(weight) / Double(end - start)
    var place = max(start, borders[0])
    let stop = min(end, borders[busy.count])
    guard place < stop else { return }
    var index = cell(of: place)
    while place < stop {
      let next = min(stop, borders[index + 1])
      weights[index] += density * Double(next - place)
      (place, index) = (next, index + 1)
    }
  }

  /// The weight of a cell.
  func weight(_ index: Int) -> Double { weights.isEmpty ? 0 : weights[index] }

  /// The last cell that begins at `time` or before, by bisection.
  private func cell(of time: Int64) -> Int {
    var (low, high) = (0, busy.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if borders[middle] <= time { low = middle } else { high = middle - 1 }
    }
    return low
  }
}
