/// One track's whole run in equal bins of time: the finest level of detail that the footer keeps.
///
/// A bin is a power of two of picoseconds long, so that coarser levels are sums of neighbours and
/// every level adds up to the same whole.
package struct TrackLevels: Equatable, Sendable {
  /// Bins are merged in pairs when a run grows beyond so many.
  package static let binLimit = 16_384
  /// Busy, stalled by each cause, amount.
  static let columnCount = 2 + StallCause.count
  static let amountColumn = 1 + StallCause.count
  private static let finestShift: Int64 = 10

  /// The length of a bin is 2 to this power, in picoseconds.
  package private(set) var shift: Int64 = finestShift
  /// Bins in use.
  package private(set) var count = 0
  /// Column after column, `binLimit` places each.
  private var values: [Int64]

  init() { values = Array(repeating: 0, count: Self.columnCount * Self.binLimit) }

  /// The length of a bin in picoseconds.
  package var binPicoseconds: Int64 { 1 << shift }

  /// Busy picoseconds of a bin.
  package func busy(_ bin: Int) -> Int64 { values[bin] }
  /// Stalled picoseconds of a bin.
  package func stalled(_ bin: Int, _ cause: StallCause) -> Int64 {
    values[(1 + Int(cause.rawValue)) * Self.binLimit + bin]
  }
  /// Bytes moved (DMA tracks) or floating-point operations (engines) of records that began in the
  /// bin.
  package func amount(_ bin: Int) -> Int64 { values[Self.amountColumn * Self.binLimit + bin] }

  /// One column's bins in use: 0 busy, 1 and up stalled by cause, then the amount.
  func column(_ index: Int) -> ArraySlice<Int64> {
    values[index * Self.binLimit..<index * Self.binLimit + count]
  }

  // MARK: Filling

  /// Adds the time from `start` to `end`, neither negative, to a column.
  @inline(__always)
  mutating func add(_ column: Int, from start: Int64, to end: Int64) {
    guard start < end else { return }
    reserve(end - 1)
    let bin = Int(start >> shift)
    if (end - 1) >> shift == Int64(bin) {
      values[column &* Self.binLimit &+ bin] &+= end &- start
    } else {
      spread(column, from: start, to: end)
    }
  }

  private mutating func spread(_ column: Int, from start: Int64, to end: Int64) {
    var place = start
    while place < end {
      let bin = place >> shift
      let next = min(end, (bin + 1) << shift)
      values[column * Self.binLimit + Int(bin)] &+= next - place
      place = next
    }
  }

  /// Adds to what records that begin at `time` amount to.
  @inline(__always)
  mutating func add(amount: Int64, at time: Int64) {
    reserve(time)
    values[Self.amountColumn &* Self.binLimit &+ Int(time >> shift)] &+= amount
  }

  /// Makes the bins so long that `time` lies in one of them.
  @inline(__always)
  private mutating func reserve(_ time: Int64) {
    while time >> shift >= Int64(Self.binLimit) { coarsen() }
    count = max(count, Int(time >> shift) + 1)
  }

  /// Merges neighbours.
  private mutating func coarsen() {
    for column in 0..<Self.columnCount {
      let first = column * Self.binLimit
      for bin in 0..<Self.binLimit / 2 {
        values[first + bin] = values[first + 2 * bin] &+ values[first + 2 * bin + 1]
      }
      for bin in Self.binLimit / 2..<Self.binLimit { values[first + bin] = 0 }
    }
    shift += 1
    count = (count + 1) / 2
  }

  /// The shift at which the bins in use are at most so many.
  func shift(atMost bins: Int) -> Int64 {
    var coarser: Int64 = 0
    while (count - 1) >> coarser >= bins { coarser += 1 }
    return shift + coarser
  }

  /// Makes the bins as long as those of another track, or longer ones.
  mutating func coarsen(to shift: Int64) {
    while self.shift < shift { coarsen() }
  }

  /// Bins as they stood in a file; nil when they are none.
  init?(shift: Int64, columns: [[UInt64]]) {
    guard (Self.finestShift...60).contains(shift), columns.count == Self.columnCount,
      let count = columns.first?.count, count <= Self.binLimit
    else { return nil }
    self.init()
    self.shift = shift
    self.count = count
    for (column, numbers) in columns.enumerated() {
      guard numbers.count == count else { return nil }
      for (bin, number) in numbers.enumerated() {
        guard number <= UInt64(TraceEvent.limit) else { return nil }
        values[column * Self.binLimit + bin] = Int64(number)
      }
    }
  }
}
