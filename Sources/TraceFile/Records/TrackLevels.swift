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
  /// Columns that are not all zero, `binLimit` places each.
  private var values: [Int64] = []
  /// Where each column begins in `values`; nowhere while it is all zero, as most are.
  private var places = [Int](repeating: nowhere, count: columnCount)
  private static let nowhere = -1

  init() {}

  /// The length of a bin in picoseconds.
  package var binPicoseconds: Int64 { 1 << shift }

  /// Busy picoseconds of a bin.
  package func busy(_ bin: Int) -> Int64 { value(0, bin) }
  /// Stalled picoseconds of a bin.
  package func stalled(_ bin: Int, _ cause: StallCause) -> Int64 {
    value(1 + Int(cause.rawValue), bin)
  }
  /// Bytes moved (DMA tracks) or floating-point operations (engines) of records that began in the
  /// bin.
  package func amount(_ bin: Int) -> Int64 { value(Self.amountColumn, bin) }

  private func value(_ column: Int, _ bin: Int) -> Int64 {
    let place = places[column]
    return place == Self.nowhere ? 0 : values[place + bin]
  }

  /// One column's bins in use, empty where all are zero: 0 busy, 1 and up stalled by cause, then
  /// the amount.
  func column(_ index: Int) -> ArraySlice<Int64> {
    let place = places[index]
    return place == Self.nowhere ? [] : values[place..<place + count]
  }

  // MARK: Filling

  /// Adds the time from `start` to `end`, neither negative, to a column.
  @inline(__always)
  mutating func add(_ column: Int, from start: Int64, to end: Int64) {
    guard start < end else { return }
    reserve(end - 1)
    let place = place(column)
    let bin = Int(start >> shift)
    if (end - 1) >> shift == Int64(bin) {
      values[place &+ bin] &+= end &- start
    } else {
      spread(place, from: start, to: end)
    }
  }

  private mutating func spread(_ first: Int, from start: Int64, to end: Int64) {
    var place = start
    while place < end {
      let bin = place >> shift
      let next = min(end, (bin + 1) << shift)
      values[first + Int(bin)] &+= next - place
      place = next
    }
  }

  /// Adds to what records that begin at `time` amount to.
  @inline(__always)
  mutating func add(amount: Int64, at time: Int64) {
    reserve(time)
    let place = place(Self.amountColumn)
    values[place &+ Int(time >> shift)] &+= amount
  }

  /// Adds to the bin of a time.
  mutating func add(busy: Int64, amount: Int64, at time: Int64) {
    if busy != 0 {
      let first = place(0)
      values[first + Int(time >> shift)] &+= busy
    }
    if amount != 0 { add(amount: amount, at: time) }
  }

  /// When the bin of a time begins and ends.
  mutating func bin(of time: Int64) -> (start: Int64, end: Int64) {
    reserve(time)
    let start = (time >> shift) << shift
    return (start, start + binPicoseconds)
  }

  /// Where a column begins.
  @inline(__always)
  private mutating func place(_ column: Int) -> Int {
    let place = places[column]
    return place == Self.nowhere ? makeRoom(column) : place
  }

  private mutating func makeRoom(_ column: Int) -> Int {
    places[column] = values.count
    values.append(contentsOf: repeatElement(0, count: Self.binLimit))
    return places[column]
  }

  /// Makes the bins so long that `time` lies in one of them.
  @inline(__always)
  mutating func reserve(_ time: Int64) {
    if time >> shift >= Int64(Self.binLimit) { coarsen(toHold: time) }
    count = max(count, Int(time >> shift) + 1)
  }

  private mutating func coarsen(toHold time: Int64) {
    var longer = shift
    while time >> longer >= Int64(Self.binLimit) { longer += 1 }
    coarsen(to: longer)
  }

  /// Makes the bins as long as those of another track, or longer ones: merges neighbours.
  mutating func coarsen(to longer: Int64) {
    guard longer > shift else { return }
    let merged = longer - shift >= Int64.bitWidth - 1 ? Int.max : 1 << Int(longer - shift)
    let left = count == 0 ? 0 : (count - 1) / merged + 1
    for first in places where first != Self.nowhere {
      for bin in 0..<left {
        let old = bin * merged..<min(count, bin * merged + min(merged, count))
        var sum: Int64 = 0
        for place in old { sum &+= values[first + place] }
        values[first + bin] = sum
      }
      for bin in left..<count { values[first + bin] = 0 }
    }
    (shift, count) = (longer, left)
  }

  /// The shift at which the bins in use are at most so many.
  func shift(atMost bins: Int) -> Int64 {
    var coarser: Int64 = 0
    while (count - 1) >> coarser >= bins { coarser += 1 }
    return shift + coarser
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
      guard numbers.contains(where: { $0 != 0 }) else { continue }
      let place = place(column)
      for (bin, number) in numbers.enumerated() {
        guard number <= UInt64(TraceEvent.limit) else { return nil }
        values[place + bin] = Int64(number)
      }
    }
  }
}
