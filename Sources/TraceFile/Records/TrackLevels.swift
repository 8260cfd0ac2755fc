import Units

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
  /// The power of two of the shortest bin.
  static let finestShift: Int64 = 10

  /// The length of a bin is 2 to this power, in picoseconds.
  package private(set) var shift: Int64 = finestShift
  /// Bins in use.
  package private(set) var count = 0
  /// Columns that are not all zero, `room` places each.
  private var values: [Int64] = []
  /// Bins that a column has places for.
  private var room = 0
  /// The number of each column in `values`; nowhere while it is all zero, as most are.
  private var slots = [Int](repeating: nowhere, count: columnCount)
  private static let nowhere = -1
  /// A power of two, like the limit, so that room doubles until it is reached.
  private static let fewestPlaces = 256

  /// No bins, which are that long at least.
  init(shift: Int64 = TrackLevels.finestShift) { self.shift = shift }

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
    let slot = slots[column]
    return slot == Self.nowhere ? 0 : values[slot * room + bin]
  }

  /// One column's bins in use, empty where all are zero: 0 busy, 1 and up stalled by cause, then
  /// the amount.
  func column(_ index: Int) -> ArraySlice<Int64> {
    let slot = slots[index]
    return slot == Self.nowhere ? [] : values[slot * room..<slot * room + count]
  }

  // MARK: Filling

  /// Records of a block that one or several tracks have, and what is known of all of them.
  struct Stretch {
    let events: [TraceEvent]
    /// Where each lies, without skew.
    let places: [TimelineCursor.Placement]
    /// The earliest time and the last that is touched.
    private(set) var times: ClosedRange<Int64>
    /// Which causes stood before one of them.
    private(set) var causes = SIMD8<UInt8>()

    init?(_ events: [TraceEvent], _ places: [TimelineCursor.Placement]) {
      guard let first = events.first?.start.value else { return nil }
      (self.events, self.places) = (events, places)
      var (least, last) = (first, first)
      for (event, place) in zip(events, places) {
        least = min(least, place.stallStart, event.start.value)
        last = max(last, event.start.value, place.busyEnd &- 1)
        if event.wait.value > 0 { causes[Int(event.stallCause.rawValue)] = 1 }
      }
      times = least...max(least, last)
    }
  }

  /// Adds records that start `skew` later on this track, none before time 0; `amounts` are those of
  /// a record by row.
  mutating func add(_ stretch: Stretch, skew: Int64, amounts: [Int64]) {
    precondition(stretch.times.lowerBound &+ skew >= 0, "bins begin at time 0")
    reserve(stretch.times.upperBound &+ skew)
    // Every column that is added to is there before the loop, so that nothing moves in it.
    let (busy, amount) = (place(0), place(Self.amountColumn))
    var stalls = SIMD8<Int>()
    for cause in 0..<StallCause.count where stretch.causes[cause] != 0 {
      stalls[cause] = place(1 + cause)
    }
    let shift = shift
    // All times lie between 0 and the last bin, which `reserve` saw to.
    unsafe values.withUnsafeMutableBufferPointer { values in
      for index in stretch.events.indices {
        let (event, place) = (stretch.events[index], stretch.places[index])
        if event.wait.value > 0 {
          unsafe Self.add(
            values, stalls[Int(event.stallCause.rawValue)], place.stallStart &+ skew,
            place.busyStart &+ skew, shift)
        }
        unsafe Self.add(values, busy, place.busyStart &+ skew, place.busyEnd &+ skew, shift)
        let row = Int(event.programCounter)
        let own = row < amounts.count ? amounts[row] : 0
        if own != 0 { unsafe values[amount &+ Int((event.start.value &+ skew) >> shift)] &+= own }
      }
    }
  }

  /// Adds the time from `start` to `end`, neither negative, to the column that begins at `first`.
  @inline(__always)
  private static func add(
    _ values: UnsafeMutableBufferPointer<Int64>, _ first: Int, _ start: Int64, _ end: Int64,
    _ shift: Int64
  ) {
    guard start < end else { return }
    var bin = start >> shift
    let lastBin = (end &- 1) >> shift
    var begin = start
    while bin < lastBin {
      let next = (bin &+ 1) << shift
      unsafe values[first &+ Int(bin)] &+= next &- begin
      (begin, bin) = (next, bin &+ 1)
    }
    unsafe values[first &+ Int(bin)] &+= end &- begin
  }

  /// Where a column begins.
  private mutating func place(_ column: Int) -> Int {
    if slots[column] == Self.nowhere {
      slots[column] = values.count / max(1, room)
      values.append(contentsOf: repeatElement(0, count: room))
    }
    return slots[column] * room
  }

  /// Makes the bins so long that `time` lies in one of them.
  mutating func reserve(_ time: Int64) {
    if time >> shift >= Int64(Self.binLimit) { coarsen(toHold: time) }
    count = max(count, Int(time >> shift) + 1)
    if count > room { grow() }
  }

  /// Makes room for all bins in use, and as much again up to the limit.
  private mutating func grow() {
    var wider = max(Self.fewestPlaces, room)
    while wider < count { wider *= 2 }
    let columns = values.count / max(1, room)
    var moved: [Int64] = []
    moved.reserveCapacity(columns * wider)
    for column in 0..<columns {
      moved += values[column * room..<(column + 1) * room]
      moved += repeatElement(0, count: wider - room)
    }
    (values, room) = (moved, wider)
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
    for slot in slots where slot != Self.nowhere {
      let first = slot * room
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
    self.init(shift: shift)
    self.count = count
    room = count
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
